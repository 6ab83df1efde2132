"""The workers: lanes that ask insurers, and what keeps the lanes' promises. They never import the API."""
