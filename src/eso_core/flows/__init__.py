"""The life of one key on one screen, one file per kind."""
