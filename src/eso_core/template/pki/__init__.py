"""Certificates and keys as Go's standard library reads and writes them, for the functions of templates."""
