// Where the API's problems land in the form.

import type { ApiProblem } from '../submit';
import type { Draft } from './draft';
import type { Problems } from './input';
import { shownPaths } from './shown';

/** Problems of these have a place of their own. */
const PLACES = new Set(['drivers', 'drivers.listed', 'drivers.unlimited', 'consent', 'consent.othersInformed']);
/** The key of what belongs to no field. */
export const ELSEWHERE = '';

/** The API's problems by the paths of the draft. A problem of a whole object stands at its first field that is shown. */
export function problemsByPath(problems: readonly ApiProblem[], draft: Draft): Problems {
  const shown: readonly string[] = shownPaths(draft);
  const byPath: Record<string, string> = {};
  for (const { path, message } of problems) {
    const place = path[0] === 'application' ? path.slice(1).join('.') : path.join('.');
    byPath[landing(place, shown)] ??= message;
  }
  return byPath;
}

function landing(place: string, shown: readonly string[]): string {
  if (PLACES.has(place) || shown.includes(place)) return place;
  if (place.startsWith('consent.')) return 'consent';
  const below = shown.filter((path) => place && path.startsWith(`${place}.`));
  const first = below.find((path) => path.endsWith('.number')) ?? below[0];
  if (first) return first;
  const above = place.slice(0, Math.max(0, place.lastIndexOf('.')));
  return above ? landing(above, shown) : ELSEWHERE;
}
