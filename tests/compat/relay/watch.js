// What `relay-compiler` makes `__generated__/watchSubscription.graphql.js` of; it asks for the name of the file in that of the operation.
graphql`subscription watchSubscription($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  __typename
  ... on QuoteReceived { cursor quote { insurer { id } status } }
  ... on QuotesCompleted { cursor outcome } } }`;
