"""What others ask the operator over HTTP: metrics and probes."""
