"""What OSAGO is about: applications, quotes, the tariff. Imports only the standard library."""
