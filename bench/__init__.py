"""Measures an operator, any operator, on a real API server.

``python -m bench --help`` says how; ``docs/bench.md`` says what each figure means.

    cli ─► scenario ─► plane: etcd, kube-apiserver ◄─── subject: the operator, a child process known by its command line
              │             ▲         ▲                        │
              │       burst │         │ watching               ▼
              │  (creates)  │         │ (what became ready)   vault: a KV v2 stub, a child process that counts
              └─ results ◄─ windows: calls (API server's metrics), the stub's counts, CPU and memory from /proc

The bench shares no code with the operator, so it can bear witness against it.
"""
