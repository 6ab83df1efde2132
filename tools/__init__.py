"""Tools of the repository itself; nothing of the product imports them."""
