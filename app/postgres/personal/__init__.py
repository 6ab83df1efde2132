"""What the law on personal data asks for: destruction with records, consents that outlive applications, reports."""
