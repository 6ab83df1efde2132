"""A new quote request, from what a caller sends to a value of the domain."""
