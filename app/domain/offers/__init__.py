"""What an offer may hold: bounds of its values, and its links."""
