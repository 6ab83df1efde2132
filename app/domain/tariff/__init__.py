"""The premium by the Bank of Russia's tariff, and the corridor that an offer must keep to."""
