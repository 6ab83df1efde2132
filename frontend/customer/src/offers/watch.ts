// Watches one request over graphql-transport-ws, through any number of lost connections, until its end.

import { Client, createClient } from 'graphql-ws';

import { config } from '../config';
import type { Request } from './state';
import { QuoteEvent, WATCH } from './types';

export type Connection = 'connected' | 'lost';

export interface Watcher {
  onEvent: (event: QuoteEvent) => void;
  onConnection: (connection: Connection) => void;
  onRefused: () => void;
}

const PING_EVERY_MS = 4_000;
const PONG_MS_MOST = 3_000;
const RETRY_MS_MOST = 3_000;
const RETRY_MS_FIRST = 200;

/** Begins to watch; the function that it returns ends it. */
export function watch(request: Request, watcher: Watcher): () => void {
  const client = connectedClient(request.watchToken, watcher);
  const variables = { requestId: request.requestId, after: request.cursor };
  const stop = client.subscribe<{ quotes: QuoteEvent }>(
    { query: WATCH, variables },
    {
      next: ({ data, errors }) => {
        if (errors?.length || !data) return watcher.onRefused();
        variables.after = data.quotes.cursor; // sent again with every new connection: it goes on from here
        watcher.onEvent(data.quotes);
      },
      error: watcher.onRefused,
      complete: () => {},
    },
  );
  return () => {
    stop();
    void client.dispose();
  };
}

/** A client that notices a silent network within seconds, and does not give up. */
function connectedClient(token: string, { onConnection }: Watcher): Client {
  let silence: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: config.watchUrl,
    connectionParams: { token },
    shouldRetry: () => true,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: pause,
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

/** Longer each time, cut short when the browser says that the network is back. */
function pause(retries: number): Promise<void> {
  const most = Math.min(RETRY_MS_MOST, RETRY_MS_FIRST * 2 ** retries);
  return new Promise((resolve) => {
    setTimeout(resolve, most * (0.5 + Math.random() / 2));
    addEventListener('online', () => resolve(), { once: true });
  });
}
