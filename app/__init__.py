"""The application: domain, storage, streams, use cases, and the GraphQL API as its one shell."""
