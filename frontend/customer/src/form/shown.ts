// Which fields of the table this draft has: those that the form shows, or hides because nothing is known of them.

import { Draft, driversOf, FieldPath, isSet, textOf } from './draft';
import { FIELDS, OPTIONAL_OBJECTS } from './table';

const OPTIONAL: ReadonlySet<string> = new Set(OPTIONAL_OBJECTS);
const OF_RUSSIA_ALONE = new Set(['', 'RUSSIAN_PASSPORT']);
/** What the vehicle's category asks for; where it asks for nothing, what was typed for another one is not sent. */
const OF_CATEGORY: Readonly<Record<string, string>> = { 'vehicle.maxMassKg': 'C', 'vehicle.seats': 'D' };

/** The fields of this draft, drivers numbered. */
export function shownPaths(draft: Draft): FieldPath[] {
  const places = Array.from({ length: isSet(draft, 'are drivers unlimited') ? 0 : driversOf(draft) }, (_, at) => String(at));
  return Object.keys(FIELDS)
    .filter((path) => isShown(draft, path))
    .flatMap((path) => (path.includes('*') ? places.map((at) => path.replace('*', at)) : [path])) as FieldPath[];
}

function isShown(draft: Draft, path: string): boolean {
  const [first, second] = path.split('.');
  if (path === 'drivers.unlimited' || first === 'consent') return false;
  if (first === 'policyholder') return second === textOf(draft, 'policyholder is') && isOfDocument(draft, path);
  if (first === 'owner') return second === textOf(draft, 'owner is') && isOfDocument(draft, path);
  const category = OF_CATEGORY[path];
  return !category || textOf(draft, 'vehicle.category') === category;
}

function isOfDocument(draft: Draft, path: string): boolean {
  const [, person, key] = /^(.+)\.document\.(country|divisionCode)$/.exec(path) ?? [];
  if (!person) return true;
  const isRussian = OF_RUSSIA_ALONE.has(textOf(draft, `${person as 'owner.person'}.document.kind`));
  return isRussian === (key === 'divisionCode');
}

/** The objects above a field that may be left out while nothing is typed in them: of drivers and of the policy. */
export function optionalAbove(path: string): string[] {
  const keys = path.split('.');
  const above = keys.slice(1).map((_, at) => keys.slice(0, at + 1).join('.'));
  return above.filter((object) => /^(drivers|previousPolicy)/.test(object) && OPTIONAL.has(object.replace(/\.\d+/, '.*')));
}
