"""Tokens, their keys, and keys of an identity provider."""
