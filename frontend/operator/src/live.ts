// The snapshots as they come. Where none has come for a while, what is shown is old, and is said to be.
import { useEffect, useState } from 'preact/hooks';

import type { Snapshot } from './types';

export const STALE_MS = 4000;

export interface Live { snapshot: Snapshot | null; isStale: boolean; ageS: number }

export function useSnapshots(onSignedOut: () => void): Live {
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  const [heardAt, setHeardAt] = useState(() => Date.now());
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    let source: EventSource | null = null;
    let again = 0;
    const open = () => {
      source = new EventSource('/operator/api/events');
      source.addEventListener('snapshot', (event) => {
        setSnapshot(JSON.parse((event as MessageEvent<string>).data) as Snapshot);
        setHeardAt(Date.now());
        setNow(Date.now());
      });
      source.addEventListener('signed-out', () => {
        source?.close();
        onSignedOut();
      });
      // A browser gives up after an answer that is no event stream, such as 503 of a proxy, or 401.
      source.addEventListener('error', () => {
        if (source?.readyState !== EventSource.CLOSED) return;
        window.clearTimeout(again);
        again = window.setTimeout(async () => {
          const answer = await fetch('/operator/api/session').catch(() => null);
          if (answer?.status === 401) onSignedOut();
          else open();
        }, 2000);
      });
    };
    open();
    const ticking = window.setInterval(() => setNow(Date.now()), 1000);
    return () => {
      source?.close();
      window.clearTimeout(again);
      window.clearInterval(ticking);
    };
  }, []);
  const age = now - heardAt;
  return { snapshot, isStale: age > STALE_MS, ageS: Math.round(age / 1000) };
}
