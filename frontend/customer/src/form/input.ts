// Makes the API's ApplicationInput of a draft, field by field as the table has them. The page finds by itself what cannot even be
// written in it (half a date, an empty field); everything else the API checks.

import { CONSENT_VERSION } from './consentText';
import { Draft, FieldPath, fieldAt, isSet, plateOf, RUSSIA, textOf } from './draft';
import { isMixed } from './masks';
import { optionalAbove, shownPaths } from './shown';
import { MESSAGES, NUMBERS } from './table';
import { isWrong, WRITERS } from './written';

export type Problems = Readonly<Record<string, string>>;
type Json = Record<string, unknown>;

const ALPHABETS_MIXED = 'В одном слове буквы двух алфавитов: наберите его заново, русскими буквами или латинскими.';
const CONSENT_REQUIRED = 'Без согласия страховые компании не рассчитают цену.';
const OTHERS_UNINFORMED = 'Расскажите им: без этого их данные передавать нельзя.';

export interface Written {
  input: Json;
  problems: Problems;
}

/** The input, and what is wrong with it already. */
export function written(draft: Draft): Written {
  const input: Json = {};
  const problems: Record<string, string> = {};
  for (const path of pathsOf(draft)) {
    const { kind } = fieldAt(path);
    const text = typed(draft, path);
    const value = kind === 'flag' ? isSet(draft, path) : text && WRITERS[kind](text);
    if (isWrong(value)) problems[path] = value.wrong;
    else if (value !== '') put(input, path.split('.'), value);
    else if (isRequired(path)) problems[path] = MESSAGES.REQUIRED;
    if (/name$/i.test(path) && !path.includes('organisation') && isMixed(text)) problems[path] = ALPHABETS_MIXED;
  }
  if (isSet(draft, 'are drivers unlimited')) input['drivers'] = { unlimited: true };
  if (NUMBERS.every((path) => !typed(draft, path))) problems['vehicle.vin'] = MESSAGES.VEHICLE_NUMBER_REQUIRED;
  consent(draft, input, problems);
  return { input, problems };
}

function consent(draft: Draft, input: Json, problems: Record<string, string>): void {
  const othersInformed = !hasOthers(draft) || isSet(draft, 'are others informed');
  if (!isSet(draft, 'is consent given')) problems['consent'] = CONSENT_REQUIRED;
  else input['consent'] = { textVersion: CONSENT_VERSION, givenAt: textOf(draft, 'consent given at'), othersInformed };
  if (!othersInformed) problems['consent.othersInformed'] = OTHERS_UNINFORMED;
}

/** Whether the application names anybody beside the policyholder. */
export function hasOthers(draft: Draft): boolean {
  if (textOf(draft, 'owner is') !== 'policyholder') return true;
  const isPerson = textOf(draft, 'policyholder is') === 'person';
  return shownPaths(draft).some((path) => {
    const [, place, key] = /^drivers\.listed\.(\d+)\.(lastName|firstName|birthDate)$/.exec(path) ?? [];
    if (!place || !textOf(draft, path)) return false;
    return !isPerson || textOf(draft, path) !== textOf(draft, `policyholder.person.${key as 'lastName'}`);
  });
}

/** The policy is sent to the policyholder, so that there has to be a way. */
export const isRequired = (path: FieldPath): boolean =>
  fieldAt(path).isRequired || /^policyholder\.\w+\.(phone|email)$/.test(path);

/** The fields that this draft has; of objects that may be left out only those in which something is typed. */
function pathsOf(draft: Draft): FieldPath[] {
  const shown = shownPaths(draft);
  const isTyped = (object: string) => shown.some((path) => path.startsWith(`${object}.`) && typed(draft, path));
  return shown.filter((path) => optionalAbove(path).every(isTyped));
}

function typed(draft: Draft, path: FieldPath): string {
  if (path === 'vehicle.licensePlate') return plateOf(draft);
  return textOf(draft, path).trim() || defaultOf(draft, path);
}

/** Where the form asks once for what the API has twice: a foreign document is of the country that its holder is a citizen of. */
function defaultOf(draft: Draft, path: FieldPath): string {
  const [, person] = /^(.+)\.document\.country$/.exec(path) ?? [];
  return person ? textOf(draft, `${person as 'owner.person'}.citizenship`) || RUSSIA : '';
}

function put(input: Json, [key = '', ...below]: string[], value: unknown): void {
  if (!below.length) {
    input[key] = value;
    return;
  }
  input[key] ??= /^\d+$/.test(below[0] ?? '') ? [] : {};
  put(input[key] as Json, below, value);
}
