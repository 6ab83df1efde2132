// What is known of one request, and how an event changes it. Pure: the page shows it, `kept` keeps it over a reload.

import type { Accepted, ApiProblem, Insurer } from '../submit';
import { kopecks } from '../words';
import type { Money, Offer, Quote, QuoteEvent, QuotesCompleted } from './types';

export interface Request {
  number: string;
  requestId: string;
  /** Empty when it is of no more use. */
  watchToken: string;
  watchEndsAtMs: number;
  insurers: Insurer[];
  title: string;
  startedAtMs: number;
  endsAtMs: number;
  /** The set of answers that we have, in the aggregator's words: from here a new subscription goes on. */
  cursor: string | null;
  quotes: Quote[];
  end: (QuotesCompleted & { atMs: number }) | null;
  /** The request in which some of these insurers gave no answer. */
  earlier?: string | undefined;
  warnings?: ApiProblem[] | undefined;
  /** It was accepted, and went with a database. */
  isLost?: boolean | undefined;
}

export type Offered = Quote & { offer: Offer };

/** Its moments are the server's. */
export function begun(accepted: Accepted, title: string, nowMs: number, earlier?: string): Request {
  return {
    number: accepted.number,
    requestId: accepted.requestId,
    watchToken: accepted.watchToken,
    watchEndsAtMs: expiryOf(accepted.watchToken),
    insurers: accepted.insurers,
    title,
    startedAtMs: nowMs,
    endsAtMs: nowMs + accepted.remainingSeconds * 1000,
    cursor: null,
    quotes: [],
    end: null,
    earlier,
    warnings: accepted.warnings,
  };
}

function expiryOf(token: string): number {
  const claims = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
  return JSON.parse(atob(claims)).exp * 1000;
}

/** The request after one more event; a quote that is already there stays as it is. */
export function after(request: Request, event: QuoteEvent, nowMs: number): Request {
  if (event.__typename === 'QuotesCompleted') {
    return { ...request, cursor: event.cursor, end: { ...event, atMs: nowMs } };
  }
  const isKnown = request.quotes.some((quote) => quote.id === event.quote.id);
  return { ...request, cursor: event.cursor, quotes: isKnown ? request.quotes : [...request.quotes, event.quote] };
}

export const isExpired = (offer: Offer, nowMs: number): boolean =>
  offer.validUntil !== null && Date.parse(offer.validUntil) <= nowMs;

/** What the customer pays: the premium and every mandatory extra. */
export const payable = (offer: Offer): Money => offer.total ?? offer.premium;

/** Offers by what is paid, those that still hold first; equal ones in the order of arrival. */
export function offersOf(request: Request, nowMs: number): Offered[] {
  const offered = request.quotes.filter((quote): quote is Offered => quote.offer !== null);
  const rank = (quote: Offered) => Number(isExpired(quote.offer, nowMs));
  const price = (quote: Offered) => kopecks(payable(quote.offer).amount);
  return [...offered].sort((one, other) => rank(one) - rank(other) || price(one) - price(other));
}

/** The cheapest offer that still holds. */
export function bestOf(offers: readonly Offered[], nowMs: number): Offered | undefined {
  return offers.find((quote) => !isExpired(quote.offer, nowMs));
}

/** Insurers that have answered no. */
export const refusedBy = (request: Request): Quote[] => request.quotes.filter(({ status }) => status === 'DECLINED');

/** Insurers that have not answered: broken down, paused, too slow. Asked again they may. */
export const silentIn = (request: Request): Quote[] =>
  request.quotes.filter(({ status }) => status === 'FAILED' || status === 'UNAVAILABLE' || status === 'TIMED_OUT');

export const cancelledIn = (request: Request): Quote[] => request.quotes.filter(({ status }) => status === 'CANCELLED');

export function awaitedOf(request: Request): Insurer[] {
  if (request.end) return [];
  const answered = new Set(request.quotes.map((quote) => quote.insurer.id));
  return request.insurers.filter((insurer) => !answered.has(insurer.id));
}
