"""Recordings of the reference operator, replayed against this one in memory.

A recording is a scenario (what a user does, step by step) with what could be seen of the reference after each step. ``replay`` carries out
the same steps on the in-memory API server with the real engine and virtual time; ``compare`` tells where the two differ. ``data/`` holds
the recordings by group, ``not_yet.txt`` those that need what is not built, ``../deliberate.yaml`` the differences that are meant.
"""
