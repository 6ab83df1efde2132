// The events of a request, as the aggregator sends them.

import type { ApiProblem, Insurer } from '../submit';

export type Status = 'OFFERED' | 'DECLINED' | 'FAILED' | 'UNAVAILABLE' | 'TIMED_OUT' | 'CANCELLED';

export interface Coefficients {
  baseRate: string;
  territory: string;
  bonusMalus: string;
  ageExperience: string;
  driverRestriction: string;
  power: string;
  season: string;
  trailer?: string;
  /** Each listed driver's own, in the order of the application. */
  drivers?: readonly { bonusMalus: string; ageExperience: string }[] | null;
}

export interface Money {
  amount: string;
  currency: string;
}

/** What is sold together with the policy. */
export interface Extra {
  code: string;
  name: string;
  price: Money;
  isMandatory: boolean;
}

export interface Offer {
  number: string;
  premium: Money;
  total?: Money;
  extras?: readonly Extra[];
  /** Where the insurer moves the start. */
  startsOn?: string | null;
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
  /** What the customer can mend. */
  problems?: readonly ApiProblem[];
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
          total { amount currency }
          extras { code name isMandatory price { amount currency } }
          startsOn
          validUntil
          purchaseUrl
          coefficients {
            baseRate territory bonusMalus ageExperience driverRestriction power season trailer
            drivers { bonusMalus ageExperience }
          }
        }
        reason { code message insurerCode problems { path code message } }
      }
    }
    ... on QuotesCompleted { cursor outcome stub { title message retryAfterSeconds } }
  }
}`;
