"""The whole operator, simulated from a seed.

::

    dice ──► scenario (stores, objects, backend values)      oracle: what the cluster should look like, computed without the operator
      │                                                         │
      ├──► user, others   edits, rotations, deletions ─┐        ▼
      ├──► faults, weather   swarm weights ──┐         ├─► cluster ─► checks, laws ─► Violation
      └──► clock    delays ─► host ──────────┴─ Engine ┘
                    (one operator process: carries out commands late, in any order, or not at all)

One run is one seed: it fails again when it is run again, in any process. ``run.py`` holds the phases: trouble, calm, silence, one
change, recovery, end. Most seeds are small (one store, one or two objects, a few faults that strike hard); one in ``LARGE_IN`` is large. A
quarter is made for one crash: every moment (before, sent, done, seen) of every effect in turn. A quarter has templates, whose results the
oracle works out by itself (``templates.py``). Idle time is skipped in one step.

Faults (``dice.py`` lists them, ``--runs`` prints how often each was drawn and how often it mattered; in 10,000 runs each must)

=========  =========================================================================================================================
API        conflict, not found, forbidden, invalid, throttled, 500, time-outs and lost answers with and without effect
watch      drop, cut inside a line, duplicate, silent stall, bad line, 410, refused; a lag for each kind; changes kept back for each kind
backend    slow, no answer, 403, 404 (secret, mount), 429, 5xx, garbage, not UTF-8, empty 200, huge, flapping, map without a key, old value
           after new, session ends within a batch, one bad key in a batch, a list that breaks off
cluster    crash, compaction, clock jumps, a second operator, freeze, sessions revoked, permissions taken, quota full, a namespace that ends
           and comes again, a definition removed and restored, a controller that fights for the data
people     values, specs, labels, policies, targets (renamed and back), stores, credentials, admitted namespaces; reverted soon, half of it
templates  broken and mended, in objects and in the ConfigMap of a namespace, which is edited, deleted and restored; slow computations
others     data, labels, annotations, owners, controllers, immutable and finalizers of targets; labels of stores; status wiped
=========  =========================================================================================================================

Invariants (the word in the violation; where it is checked)

====  ==========================================================================================================================
I1    every value written was once its entry's, none that was always there is left out; deletions have a policy (``checks``); what a
      template made, it made of such values, and a pass in which one fails writes nothing (``oracle``, ``rendering``)
I2    no write that changes nothing, no second refresh within one interval (``checks``); one pass makes one random value, and a value
      that nobody lost belongs to one refresh that was due (``rendering``)
I3    silence writes refresh times only, one change of a backend one Secret at most (``run``, ``checks``)
I4    after the faults all is as the oracle says, within ``DECISIONS_MAX`` passes that do something, and stays (``run``, ``settled``)
I5    deletion ends; what is owned goes, what is not stays as it is (``run``)
I6    only the watched namespaces, only Secrets that somebody asked for; decoys lie in the others (``checks``)
I7    canaries are in Secret data and credentials only: no event, status, address, report has one (``checks``)
I8    calls for a store are bounded, a dead store hardly gets any, a throttled API server none (``laws``, ``checks``)
I9    a decision made twice is the same, and what is written is what it says (``laws``)
I10   no key is overdue while the operator says that it is well (``checks``, ``run``)
====  ==========================================================================================================================

Not modelled: templates from Secrets, generic targets, leader election, sync windows.
``test_published.py`` holds bugs that operators of this kind were known for, as scripts without chance.
"""
