"""What the law on personal data asks of an operator: destruction, its records, reports about a subject and about a leak."""
