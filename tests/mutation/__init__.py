"""Mutation testing: does a test fail when a line of a decision is wrong?

Every function is changed in one place at a time (:mod:`tests.mutation.changes`), and the tests that run through the changed lines run on
the result, each mutant in a process forked from one that has everything imported (:mod:`tests.mutation.session`).
"""
