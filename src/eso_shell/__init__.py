"""The acting half of the operator: watches, calls, writes, logs and serves what ``eso_core`` decided."""
