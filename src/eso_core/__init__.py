"""The deciding half of the operator: takes values, returns values, and does nothing.

Nothing in this package reads a clock, a random source, a file, a socket or the environment; an import contract
(``pyproject.toml``, ``core-is-pure``) keeps it so. ``eso_shell`` acts on what is decided here.
"""
