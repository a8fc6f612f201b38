"""Coverage-guided fuzzing: nothing that a template or a text holds may raise, hang, or take much memory.

``python -m tests.fuzz.template`` and ``python -m tests.fuzz.readers`` run for as long as they are told to (see :mod:`tests.fuzz.engine`);
the test run replays the corpora and goes on from them for a moment.
"""
