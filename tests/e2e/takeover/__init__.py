"""Worlds that the reference v2.9.0 had settled, as data, and what builds them again on an API server."""
