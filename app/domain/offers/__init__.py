"""Offers: bounds of their values, and their links."""
