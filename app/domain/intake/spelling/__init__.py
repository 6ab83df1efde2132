"""How values are spelt: names, and the numbers of plates, documents, registers and countries; each kind is a row of a table."""
