// Keeps requests over reloads and for other tabs of this browser: what was answered, the cursor, and the watch token for as
// long as it is good for something. Nothing that the customer wrote about people is in it.

import { browserShelf } from '../storage';
import type { Request } from './state';

const PREFIX = 'osago:request:';
const KEPT_MS = 24 * 3600 * 1000;

export function keep(request: Request): void {
  browserShelf.write(PREFIX + request.number, JSON.stringify(request.end ? withoutToken(request) : request));
}

export function kept(number: string): Request | null {
  try {
    return JSON.parse(browserShelf.read(PREFIX + number) ?? 'null');
  } catch {
    return null;
  }
}

/** All that are kept, the newest first. */
export function allKept(): Request[] {
  return numbers()
    .map(kept)
    .filter((request): request is Request => request !== null)
    .sort((one, other) => other.startedAtMs - one.startedAtMs);
}

/** Forgets requests that are older than a day, and watch tokens that have expired. */
export function tidy(nowMs: number): void {
  for (const number of numbers()) {
    const request = kept(number);
    if (!request || nowMs - request.startedAtMs > KEPT_MS) browserShelf.remove(PREFIX + number);
    else if (request.watchToken && !(nowMs < request.watchEndsAtMs)) keep(withoutToken(request));
  }
}

export const withoutToken = (request: Request): Request => ({ ...request, watchToken: '' });

const numbers = (): string[] =>
  browserShelf
    .names()
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length));
