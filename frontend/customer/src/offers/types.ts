// The events of a request, as the aggregator sends them.

import type { Insurer } from '../submit';

export type Status = 'OFFERED' | 'DECLINED' | 'FAILED' | 'UNAVAILABLE' | 'TIMED_OUT' | 'CANCELLED';

export interface Coefficients {
  baseRate: string;
  territory: string;
  bonusMalus: string;
  ageExperience: string;
  driverRestriction: string;
  power: string;
  season: string;
}

export interface Offer {
  number: string;
  premium: { amount: string; currency: string };
  validUntil: string | null;
  purchaseUrl: string | null;
  coefficients: Coefficients | null;
}

export interface Quote {
  id: string;
  insurer: Insurer;
  status: Status;
  offer: Offer | null;
  reason: Reason | null;
  receivedAt: string;
}

export interface Reason {
  code: string;
  message: string;
  insurerCode: string | null;
}

export interface Stub {
  title: string;
  message: string;
  retryAfterSeconds: number | null;
}

export interface QuoteReceived {
  __typename: 'QuoteReceived';
  cursor: string;
  quote: Quote;
}

export interface QuotesCompleted {
  __typename: 'QuotesCompleted';
  cursor: string;
  outcome: 'ALL_ANSWERED' | 'DEADLINE' | 'CANCELLED';
  stub: Stub | null;
}

export type QuoteEvent = QuoteReceived | QuotesCompleted;

export const WATCH = `
subscription Quotes($requestId: ID!, $after: String) {
  quotes(requestId: $requestId, after: $after) {
    __typename
    ... on QuoteReceived {
      cursor
      quote {
        id
        insurer { id name }
        status
        receivedAt
        offer {
          number
          premium { amount currency }
          validUntil
          purchaseUrl
          coefficients { baseRate territory bonusMalus ageExperience driverRestriction power season }
        }
        reason { code message insurerCode }
      }
    }
    ... on QuotesCompleted { cursor outcome stub { title message retryAfterSeconds } }
  }
}`;
