"""Commands about personal data: reports, acts of destruction, their words."""
