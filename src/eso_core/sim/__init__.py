"""A cluster in memory: the API server, backends and faults that the simulator, ``eso demo`` and the tests run against."""
