"""Reads an application: formats of its fields, rules, and the problems that they find."""
