"""What a person or a Deployment types: ``eso run``, ``plan``, ``demo``, ``crds`` and ``version``."""
