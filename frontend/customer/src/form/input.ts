// Makes the API's ApplicationInput of a draft, field by field as the table has them. The page finds by itself what cannot even be
// written in it (half a date, an empty field); everything else the API checks.

import { Draft, driversOf, FieldPath, fieldAt, isSet, plateOf, textOf } from './draft';
import { isMixed } from './masks';
import { FIELDS, MESSAGES, NUMBERS, OPTIONAL_OBJECTS } from './table';

export type Problems = Readonly<Record<string, string>>;
type Json = Record<string, unknown>;

const DATE_PARTIAL = 'Укажите дату полностью: день, месяц и год, например 31.05.2024.';
const DATE_UNKNOWN = 'Такого дня в календаре нет: проверьте день и месяц.';
const WHOLE_WRONG = 'Укажите одно целое число цифрами.';
const ALPHABETS_MIXED = 'В одном слове буквы двух алфавитов: наберите его заново, русскими буквами или латинскими.';

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
    if (isWrong(value)) problems[path] = value.wrong;
    else if (value !== '') put(input, path.split('.'), value);
    else if (isRequired) problems[path] = MESSAGES.REQUIRED;
  }
  const givenAt = textOf(draft, 'consent.givenAt');
  if (givenAt) {
    input['consent'] = { textVersion: CONSENT_VERSION, givenAt, othersInformed: true };
  } else {
    problems['consent'] = MESSAGES.REQUIRED;
  }
  for (const path of pathsOf(draft).filter((known) => /(last|first|middle)Name$/i.test(known))) {
    if (isMixed(typed(draft, path))) problems[path] = ALPHABETS_MIXED;
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

/** Why a text cannot be written into the API's input. */
interface Wrong {
  wrong: string;
}

const isWrong = (value: unknown): value is Wrong => typeof value === 'object';

/** What stands in the API's input for a text that is typed. */
const WRITERS = {
  text: (text: string) => text,
  choice: (text: string) => text,
  whole: (text: string) => (/^\d{1,9}$/.test(text) ? Number(text) : { wrong: WHOLE_WRONG }),
  moment: (text: string) => text,
  decimal: (text: string) =>
    /^\d+([.,]\d*)?$/.test(text) ? text.replace(',', '.').replace(/\.$/, '') : { wrong: decimalWrong(text) },
  date: dateOf,
} as const;

function dateOf(text: string): string | Wrong {
  const [, day, month, year] = /^(\d\d)\.(\d\d)\.(\d{4})$/.exec(text) ?? [];
  if (!year) return { wrong: DATE_PARTIAL };
  const iso = `${year}-${month}-${day}`;
  const moment = new Date(`${iso}T00:00:00Z`);
  const isDay = !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(iso);
  return isDay ? iso : { wrong: DATE_UNKNOWN };
}

const HORSEPOWER_PER_KW = 1.35962;

/** A certificate has power as `110/149,6`, in kW and in horsepower. */
function decimalWrong(text: string): string {
  const [one = 0, other = 0] = (text.match(/\d+([.,]\d+)?/g) ?? []).map((part) => Number(part.replace(',', '.')));
  const [kw, horsepower] = [Math.min(one, other), Math.max(one, other)];
  const isBoth = kw > 0 && Math.abs(kw * HORSEPOWER_PER_KW - horsepower) < horsepower / 50;
  if (!isBoth) return 'Укажите одно число, например 149,6.';
  return `Это две мощности: в кВт и в л. с. Оставьте одну, в л. с.: ${String(horsepower).replace('.', ',')}.`;
}

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
    byPath[place] ??= code === 'DATE_INVALID' ? DATE_PARTIAL : message;
  }
  return byPath;
}
