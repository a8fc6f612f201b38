"""Mutable, single-owner, without I/O: the parts of the operator that remember something between two calls."""
