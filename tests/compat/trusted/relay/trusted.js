// What `relay-compiler` makes artifacts of, with ids in place of texts, and `relay.json`.
graphql`query trustedInsurersQuery { insurers { id } }`;

graphql`mutation trustedAskMutation($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) {
  __typename
  ... on QuoteRequestAccepted { watchToken quoteRequest { id } }
  ... on InvalidApplication { problems { path code } } } }`;

graphql`subscription trustedWatchSubscription($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  __typename
  ... on QuoteReceived { cursor quote { insurer { id } status } }
  ... on QuotesCompleted { cursor outcome } } }`;
