/**
 * Subscriptions over `graphql-transport-ws`. GraphiQL shows one result at a time, so each event comes with those before
 * it: a developer sees the quotes gather.
 */
import type { ExecutionResult } from 'graphql';
import { createClient } from 'graphql-ws';

import type { Request } from './request';

/** `customerQuotes` never ends; older events leave the pane. */
const EVENTS_SHOWN_MAX = 100;
const ACKNOWLEDGE_MS_MAX = 10_000;

type Events = {
  received: number;
  /** The newest on top, because the response pane jumps there at every event. */
  newestFirst: readonly ExecutionResult[];
};
type End = { errors: readonly object[] } | { ended: string };
type Pane = Events | End | (End & Events);

type Sink = { next(pane: Pane): void; complete(): void };

export function subscribe(url: string, request: Request) {
  return { subscribe: (sink: Sink) => ({ unsubscribe: start(url, request, sink) }) };
}

function start(url: string, request: Request, sink: Sink): () => void {
  const { query, variables, operationName } = request;
  let events: Events = { received: 0, newestFirst: [] };
  const end = (how: End) => {
    sink.next(events.received ? { ...how, ...events } : how);
    sink.complete();
  };
  return connect(url, request).subscribe(
    { query, variables, operationName },
    {
      next(event) {
        const newestFirst = [event as ExecutionResult, ...events.newestFirst].slice(0, EVENTS_SHOWN_MAX);
        events = { received: events.received + 1, newestFirst };
        sink.next(events);
      },
      error: (error) => end({ errors: readable(error) }),
      complete: () => end({ ended: 'completed by the server' }),
    },
  );
}

/** A client for each subscription, so that changed headers count, and closing it leaves no socket open. */
function connect(url: string, request: Request) {
  const token = bearerToken(request.headers);
  return createClient({
    url: new URL(url, location.href).href.replace(/^http/, 'ws'),
    connectionParams: token === undefined ? {} : { token },
    connectionAckWaitTimeout: ACKNOWLEDGE_MS_MAX,
    retryAttempts: 0, // a reconnect would quietly bring the first events again; better seen
  });
}

function bearerToken(headers: Request['headers']): string | undefined {
  const name = Object.keys(headers).find((header) => header.toLowerCase() === 'authorization');
  return name && headers[name]?.replace(/^Bearer\s+/i, '').trim();
}

const MEANING: Readonly<Record<number, string>> = {
  1006: 'the server refused the WebSocket or went away',
  1012: 'the server restarts; run it again, with the last cursor in "after"',
  1013: 'the server is overloaded; try later',
  4401: 'the token is missing or not accepted; see Authorization in Headers',
  4403: 'the token is missing, has expired or does not allow this; see Authorization in Headers',
};

/** An `error` message brings GraphQL errors; a lost connection a CloseEvent, which JSON shows as `{}`. */
function readable(error: unknown): readonly object[] {
  if (Array.isArray(error)) return error;
  if (error instanceof CloseEvent) {
    const meaning = [error.reason, MEANING[error.code]].filter(Boolean).join('; ');
    return [{ message: `The connection was closed: ${error.code} ${meaning}`.trim() }];
  }
  return [{ message: error instanceof Error ? error.message : 'The WebSocket could not be opened.' }];
}
