"""Real parts for the end-to-end tests: a control plane, a secret store, a cloud.

The admin client shares no code with the operator.
"""
