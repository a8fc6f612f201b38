"""Templates: ``python -m tests.fuzz.template``."""

from tests.fuzz.engine import main

if __name__ == "__main__":
    main("template")
