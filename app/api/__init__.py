"""The GraphQL API: one shell around the use cases. It holds no logic of its own."""
