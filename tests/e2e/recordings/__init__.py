"""Recordings of the reference operator, carried out on a real API server with the operator's own process.

Parsing, the user's steps, what is observed and how it is compared are those of :mod:`tests.parity.recordings`; here are another cluster
and another clock. ``chosen`` names the scenarios of the test run, ``suite`` runs any, ``python -m tests.e2e.recordings`` does so by hand.
"""
