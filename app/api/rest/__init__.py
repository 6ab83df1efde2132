"""The REST face: the same use cases as GraphQL's, the same tokens, the same documents."""
