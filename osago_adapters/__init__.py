"""What an author of an adapter imports: the adapter's base, values of an application and an offer, errors, and readers of wires."""
