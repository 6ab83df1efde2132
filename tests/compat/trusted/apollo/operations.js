// What an app asks for: `generate-persisted-query-manifest` finds it here. A manifest has operations first, this one its fragment.
import { gql } from "@apollo/client";

export const INSURERS = gql`
  query Insurers {
    insurers { id }
  }
`;

export const ASK = gql`
  mutation Ask($input: CreateQuoteRequestInput!) {
    createQuoteRequest(input: $input) {
      ... on QuoteRequestAccepted { watchToken quoteRequest { id } }
      ... on InvalidApplication { problems { path code } }
    }
  }
`;

export const WATCH = gql`
  fragment Slot on Quote {
    insurer { id }
    status
  }
  subscription Watch($requestId: ID!, $after: String) {
    quotes(requestId: $requestId, after: $after) {
      ... on QuoteReceived { cursor quote { ...Slot } }
      ... on QuotesCompleted { cursor outcome }
    }
  }
`;
