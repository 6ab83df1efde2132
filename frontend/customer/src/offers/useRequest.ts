// A request as it unfolds: read from what was kept, watched until its end.

import { useEffect, useRef, useState } from 'preact/hooks';

import { advanceClock, serverNow } from '../clock';
import { keep, kept, withoutToken } from './kept';
import { after, Request } from './state';
import { Connection, watch } from './watch';

export interface Unfolding {
  request: Request | null;
  connection: Connection;
  /** The aggregator has nothing more to say: the token has had its time, or the request is lost. */
  isRefused: boolean;
}

export function useRequest(number: string): Unfolding {
  const [request, setRequest] = useState(() => kept(number));
  const [connection, setConnection] = useState<Connection>('connected');
  const [isRefused, setRefused] = useState(request !== null && !request.end && !request.watchToken);
  const latest = useRef(request);
  useEffect(() => {
    if (!latest.current?.watchToken || latest.current.end) return;
    return watch(latest.current, {
      onConnection: setConnection,
      onRefused: (isLost) => {
        setRefused(true);
        if (!latest.current) return;
        latest.current = { ...withoutToken(latest.current), isLost };
        keep(latest.current);
        setRequest(latest.current);
      },
      onEvent: (event) => {
        if (event.__typename === 'QuoteReceived') advanceClock(Date.parse(event.quote.receivedAt));
        latest.current = latest.current && after(latest.current, event, serverNow());
        if (latest.current) keep(latest.current);
        setRequest(latest.current);
      },
    });
  }, [number]);
  return { request, connection: request?.end ? 'connected' : connection, isRefused };
}
