// Watches one request over graphql-transport-ws, through any number of lost connections, until its end.

import { Client, createClient } from 'graphql-ws';

import { config } from '../config';
import type { Request } from './state';
import { QuoteEvent, WATCH } from './types';

export type Connection = 'connected' | 'lost';

export interface Watcher {
  onEvent: (event: QuoteEvent) => void;
  onConnection: (connection: Connection) => void;
  /** It will never be answered again: the token has had its time, or the request went with a database. */
  onRefused: (isLost: boolean) => void;
}

const PING_EVERY_MS = 4_000;
const PONG_MS_MOST = 3_000;
const RETRY_MS_MOST = 3_000;
const RETRY_MS_FIRST = 200;

const FORBIDDEN = 4403;
/** In the reason of a close with 1013: too many connected at once. */
const TRY_AGAIN = /try again in ([\d.]+) s/;
const LOST = 'REQUEST_LOST';
const LATER = new Set(['UNAVAILABLE', 'OVERLOADED', 'SLOW_CONSUMER']);
const LATER_S = 2;

/** Begins to watch; the function that it returns ends it. */
export function watch(request: Request, watcher: Watcher): () => void {
  const client = connectedClient(request.watchToken, watcher);
  const variables = { requestId: request.requestId, after: request.cursor };
  let again: ReturnType<typeof setTimeout> | undefined;
  const subscribe = () => {
    client.subscribe<{ quotes: QuoteEvent }>(
      { query: WATCH, variables },
      {
        next: ({ data }) => {
          if (!data) return;
          variables.after = data.quotes.cursor; // sent again with every new connection: it goes on from here
          watcher.onEvent(data.quotes);
        },
        error: (error) => {
          const waitS = laterIn(error);
          if (waitS === null) return watcher.onRefused(codeOf(error) === LOST);
          watcher.onConnection('lost');
          again = setTimeout(subscribe, waitS * 1000);
        },
        complete: () => {},
      },
    );
  };
  subscribe();
  const goOffline = () => client.terminate(); // the browser knows sooner than any ping
  addEventListener('offline', goOffline);
  return () => {
    clearTimeout(again);
    removeEventListener('offline', goOffline);
    void client.dispose();
  };
}

/** The seconds after which the aggregator wants to be asked again; null where it never will. */
function laterIn(error: unknown): number | null {
  return LATER.has(codeOf(error)) ? Number(extensionsOf(error)?.retryAfterSeconds ?? LATER_S) : null;
}

const codeOf = (error: unknown): string => String(extensionsOf(error)?.code ?? '');

/** Of the error that ends an operation; a lost connection has none. */
function extensionsOf(error: unknown): { code?: unknown; retryAfterSeconds?: unknown } | undefined {
  return Array.isArray(error) ? error[0]?.extensions : undefined;
}

/** A client that notices a silent network within seconds, and does not give up. */
function connectedClient(token: string, { onConnection }: Watcher): Client {
  let silence: ReturnType<typeof setTimeout> | undefined;
  let askedMs = 0;
  const client = createClient({
    url: config.watchUrl,
    connectionParams: { token },
    // A refused connection too, but not with a token that has had its time.
    shouldRetry: (event) => {
      const { code, reason } = event as CloseEvent;
      askedMs = 1000 * Number(TRY_AGAIN.exec(reason)?.[1] ?? 0);
      return code !== FORBIDDEN;
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (retries) => pause(retries, askedMs),
    keepAlive: PING_EVERY_MS,
    on: {
      connected: () => onConnection('connected'),
      closed: () => (clearTimeout(silence), onConnection('lost')),
      ping: (isTheirs) => {
        if (!isTheirs) silence = setTimeout(() => client.terminate(), PONG_MS_MOST);
      },
      pong: (isTheirs) => {
        if (isTheirs) clearTimeout(silence);
      },
    },
  });
  return client;
}

/** What the aggregator asks for, and longer each time; cut short when the browser says that the network is back. */
function pause(retries: number, askedMs: number): Promise<void> {
  const most = Math.min(RETRY_MS_MOST, RETRY_MS_FIRST * 2 ** retries);
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      removeEventListener('online', finish);
      resolve();
    };
    const timer = setTimeout(finish, askedMs + most * (0.5 + Math.random() / 2));
    if (!askedMs) addEventListener('online', finish);
  });
}
