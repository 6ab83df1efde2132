"""The law on personal data: destruction, its records, reports about a subject and about a leak."""
