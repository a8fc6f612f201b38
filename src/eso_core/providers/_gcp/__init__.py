"""Google identities and the calls that prove them, for every provider that needs one."""
