// Makes the API's ApplicationInput of a draft, field by field as the table has them. The page finds by itself what cannot even be
// written in it (half a date, an empty field); everything else the API checks.

import { Draft, driversOf, FieldPath, fieldAt, isSet, plateOf, textOf } from './draft';
import { FIELDS, MESSAGES, NUMBERS, OPTIONAL_OBJECTS } from './table';

export type Problems = Readonly<Record<string, string>>;
type Json = Record<string, unknown>;

export const DATE_WRONG = 'Пожалуйста, укажите дату полностью: день, месяц и год, например 31.05.2024.';

/** Of the text beside the switch. */
const CONSENT_VERSION = '2026-11-29';
const OPTIONAL: ReadonlySet<string> = new Set(OPTIONAL_OBJECTS);

export interface Written {
  input: Json;
  problems: Problems;
}

/** The input, and what is wrong with it already. */
export function written(draft: Draft): Written {
  const input: Json = {};
  const problems: Record<string, string> = {};
  for (const path of pathsOf(draft)) {
    const { kind, isRequired } = fieldAt(path);
    const text = typed(draft, path);
    const value = kind === 'flag' ? isSet(draft, path) : text && WRITERS[kind](text);
    if (value === null) problems[path] = DATE_WRONG;
    else if (value !== '') put(input, path.split('.'), value);
    else if (isRequired) problems[path] = MESSAGES.REQUIRED;
  }
  if (isSet(draft, 'is consent given')) {
    input['consent'] = { textVersion: CONSENT_VERSION, givenAt: new Date().toISOString(), othersInformed: true };
  } else {
    problems['consent'] = MESSAGES.REQUIRED;
  }
  if (isSet(draft, 'are drivers unlimited')) input['drivers'] = { unlimited: true };
  if (NUMBERS.every((path) => !typed(draft, path))) problems['vehicle.vin'] = MESSAGES.VEHICLE_NUMBER_REQUIRED;
  return { input, problems };
}

/** The paths of the fields that this draft has: an owner and drivers only where there are some. */
function pathsOf(draft: Draft): FieldPath[] {
  const isUnlimited = isSet(draft, 'are drivers unlimited');
  const places = Array.from({ length: isUnlimited ? 0 : driversOf(draft) }, (_, at) => String(at));
  const paths = Object.keys(FIELDS).filter(
    (path) =>
      path !== 'drivers.unlimited' &&
      !path.startsWith('consent.') &&
      (!path.startsWith('owner.') || isSet(draft, 'is owner another')),
  );
  const numbered = paths.flatMap((path) =>
    path.includes('*') ? places.map((at) => path.replace('*', at)) : [path],
  ) as FieldPath[];
  return numbered.filter((path) => aboveOf(path).every((object) => numbered.some((each) => each.startsWith(`${object}.`) && typed(draft, each))));
}

/** The objects above a field that may be left out. */
function aboveOf(path: string): string[] {
  const keys = path.split('.');
  const above = keys.slice(1).map((_, at) => keys.slice(0, at + 1).join('.'));
  return above.filter((object) => OPTIONAL.has(object.replace(/\.\d+(?=\.|$)/, '.*')));
}

const typed = (draft: Draft, path: FieldPath): string =>
  path === 'vehicle.licensePlate' ? plateOf(draft) : textOf(draft, path).trim();

/** What stands in the API's input for a text that is typed; null where it cannot be written there. */
const WRITERS = {
  text: (text: string) => text,
  choice: (text: string) => text,
  whole: (text: string) => Number(text),
  moment: (text: string) => text,
  decimal: (text: string) => text.replace(',', '.').replace(/\.$/, ''),
  date: (text: string) => {
    const [day, month, year] = text.split('.');
    const iso = `${year}-${month}-${day}`;
    const moment = new Date(`${iso}T00:00:00Z`);
    const isDate = text.length === 10 && !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(iso);
    return isDate ? iso : null;
  },
} as const;

function put(input: Json, [key = '', ...below]: string[], value: unknown): void {
  if (!below.length) {
    input[key] = value;
    return;
  }
  input[key] ??= /^\d+$/.test(below[0] ?? '') ? [] : {};
  put(input[key] as Json, below, value);
}

/** The API's problems by the paths of the draft; the API writes dates its own way. */
export function problemsByPath(
  problems: readonly { path: readonly string[]; code: string; message: string }[],
): Problems {
  const byPath: Record<string, string> = {};
  for (const { path, code, message } of problems) {
    const place = path[0] === 'application' ? path.slice(1).join('.') : path.join('.');
    byPath[place] ??= code === 'DATE_INVALID' ? DATE_WRONG : message;
  }
  return byPath;
}
