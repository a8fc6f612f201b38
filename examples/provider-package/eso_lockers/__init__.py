"""``spec.provider.lockers``: a provider in a package of its own."""
