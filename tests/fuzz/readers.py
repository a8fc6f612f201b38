"""YAML, layouts and times, regular expressions, URLs and versions: ``python -m tests.fuzz.readers``."""

from tests.fuzz.engine import main

if __name__ == "__main__":
    main("readers")
