"""The GraphQL documents that core-app sends."""

from typing import Final

CREATE: Final = """
mutation CreateQuoteRequest($input: CreateQuoteRequestInput!) {
  createQuoteRequest(input: $input) {
    __typename
    ... on QuoteRequestAccepted {
      watchToken
      warnings { path code message }
      quoteRequest { id expiresAt remainingSeconds quotes { insurer { id name } } }
    }
    ... on InvalidApplication { problems { path code message } }
    ... on RateLimited { retryAfterSeconds }
  }
}
"""
INSURERS: Final = "query Insurers { insurers { id name } }"
LOOK: Final = """
query QuoteRequest($id: ID!) {
  quoteRequest(id: $id) {
    status expiresAt remainingSeconds completedAt
    progress { answered total }
    bestQuote { insurer { id name } offer { number total { amount currency } premium { amount currency } validUntil purchaseUrl } }
  }
}
"""
