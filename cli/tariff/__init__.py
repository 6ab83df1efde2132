"""`osago tariff`, and the tables of docs/tariff.md."""
