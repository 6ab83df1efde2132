// The moment now by the server's clock: a device's may be hours wrong, and offers hold by the server's.

import { useEffect, useState } from 'preact/hooks';

import { config } from './config';

let aheadMs = config.nowMs ? config.nowMs - Date.now() : 0;

export const serverNow = (): number => Date.now() + aheadMs;

/** Sets the clock by a moment that the server has just sent. */
export function setClock(serverMs: number): void {
  if (!Number.isNaN(serverMs)) aheadMs = serverMs - Date.now();
}

/** Sets the clock forward where it is behind a moment that has passed at the server. */
export function advanceClock(passedMs: number): void {
  if (passedMs > serverNow()) setClock(passedMs);
}

/** The server's moment, read again at this interval; 0 stops it. */
export function useNow(everyMs: number): number {
  const [nowMs, setNow] = useState(serverNow);
  useEffect(() => {
    if (!everyMs) return;
    const timer = setInterval(() => setNow(serverNow()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
