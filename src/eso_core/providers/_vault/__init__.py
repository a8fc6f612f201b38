"""Vault's connection, logins and KV engines, for the providers that speak its API."""
