"""GraphQL over WebSocket: graphql-transport-ws."""
