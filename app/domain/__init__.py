"""The domain of OSAGO: applications, quotes, the tariff. Imports only the standard library."""
