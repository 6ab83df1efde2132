"""Statements for the law on personal data: destruction with records, consents that outlive applications, reports."""
