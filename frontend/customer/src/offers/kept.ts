// Keeps requests over reloads and for other tabs of this browser: what was answered, the cursor, and the watch token for as
// long as it is good for something. Nothing that the customer wrote about people is in it.

import type { Request } from './state';

const PREFIX = 'osago:request:';
const KEPT_MS = 24 * 3600 * 1000;

export function keep(request: Request): void {
  try {
    localStorage.setItem(PREFIX + request.number, JSON.stringify(request.end ? withoutToken(request) : request));
  } catch {
    // Full or forbidden: a reload starts from the beginning then, which does no harm.
  }
}

export function kept(number: string): Request | null {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + number) ?? 'null');
  } catch {
    return null;
  }
}

/** Forgets requests that are older than a day, and watch tokens that have expired. */
export function tidy(nowMs: number): void {
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) {
    const request = kept(key.slice(PREFIX.length));
    if (!request || nowMs - request.startedAtMs > KEPT_MS) localStorage.removeItem(key);
    else if (request.watchToken && !(nowMs < request.watchEndsAtMs)) keep(withoutToken(request));
  }
}

export const withoutToken = (request: Request): Request => ({ ...request, watchToken: '' });
