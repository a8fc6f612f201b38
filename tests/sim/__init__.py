"""The whole operator, simulated from a seed.

::

    dice ──► scenario (stores, objects, backend values)      oracle: what the cluster should look like, computed without the operator
      │                                                         │
      ├──► user     edits, rotations, deletions ─┐              ▼
      ├──► faults   swarm weights ──┐            ├─► cluster ─► checks ─► Violation
      └──► clock    delays ─► host ─┴─ Engine ───┘
                    (one operator process: carries out commands late, in any order, or not at all)

One run is one seed: it fails again when it is run again, in any process. ``run.py`` holds the phases: trouble, calm, silence, one
change, end.
"""
