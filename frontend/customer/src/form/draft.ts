// What is typed so far: one flat record, its keys the API's paths (`vehicle.vin`, `drivers.listed.0.birthDate`).
// It lives in this tab alone (sessionStorage): a reload keeps it, closing the tab forgets it. Once it is accepted only this page's
// memory has it, to ask again: passports and licences do not stay behind in a storage that every script may read.

import { tabShelf } from '../storage';
import { FIELDS } from './table';

type Numbered<Path extends string> = Path extends `${infer Above}.*.${infer Below}` ? `${Above}.${number}.${Below}` : Path;

/** The path of a field of the API: a path that the tables do not have does not compile. */
export type FieldPath = Numbered<keyof typeof FIELDS>;
/** What the page alone knows. */
type OwnPath =
  | 'policyholder is'
  | 'owner is'
  | 'are drivers unlimited'
  | 'drivers'
  | 'plate series'
  | 'plate region'
  | 'is consent given'
  | 'consent given at'
  | 'are others informed';
export type DraftPath = FieldPath | OwnPath;
export type Draft = { readonly [path in DraftPath]?: string | boolean };

/** Kind of the field, and whether it is required. */
export const fieldAt = (path: FieldPath) => FIELDS[path.replace(/\.\d+\./, '.*.') as keyof typeof FIELDS];

const KEY = 'osago:draft';
const MOSCOW = '7700000000000';

export const RUSSIA = 'RU';

export const EMPTY: Draft = {
  'vehicle.category': 'B',
  'vehicle.purpose': 'PERSONAL',
  'vehicle.document.kind': 'REGISTRATION_CERTIFICATE',
  'policyholder is': 'person',
  'policyholder.person.address.kladr': MOSCOW,
  'policyholder.organisation.address.kladr': MOSCOW,
  'owner is': 'policyholder',
  'owner.person.address.kladr': MOSCOW,
  'owner.organisation.address.kladr': MOSCOW,
  'are drivers unlimited': false,
  drivers: '1',
  'is consent given': false,
  'are others informed': false,
  usageMonths: '12',
};

const accepted = new Map<string, Draft>();
let shown: Draft | null = null;

/** What the form shows: an accepted application that is looked at, or what is typed in this tab. */
export function keptDraft(): Draft {
  if (shown) return shown;
  try {
    return { ...EMPTY, ...JSON.parse(tabShelf.read(KEY) ?? '{}') };
  } catch {
    return EMPTY;
  }
}

export function acceptDraft(draft: Draft, number: string): void {
  accepted.set(number, draft);
  shown = draft;
  tabShelf.remove(KEY);
}

/** The application that was accepted under this number, as long as the page is open. */
export function acceptedDraft(number: string): Draft | undefined {
  return accepted.get(number);
}

/** Lets the form show the application of this number, where it is still known. */
export function showDraft(number: string): void {
  shown = accepted.get(number) ?? shown;
}

export function keepDraft(draft: Draft): void {
  shown = null;
  tabShelf.write(KEY, JSON.stringify(draft));
}

export const textOf = (draft: Draft, path: DraftPath): string => String(draft[path] ?? '');

export const isSet = (draft: Draft, path: DraftPath): boolean => draft[path] === true;

export const driversOf = (draft: Draft): number => Math.max(1, Number(textOf(draft, 'drivers')) || 1);

/** Takes one driver out; those behind move up. */
export function withoutDriver(draft: Draft, gone: number): Draft {
  const moved: Record<string, string | boolean | undefined> = {};
  for (const [path, value] of Object.entries(draft)) {
    const match = /^drivers\.listed\.(\d+)\.(.+)$/.exec(path);
    const at = match ? Number(match[1]) : -1;
    if (!match || at < gone) moved[path] = value;
    else if (at > gone) moved[`drivers.listed.${at - 1}.${match[2]}`] = value;
  }
  return { ...(moved as Draft), drivers: String(driversOf(draft) - 1) };
}

/** `Lada Vesta, 2021`: how the application is called on the page of offers. */
export function titleOf(draft: Draft): string {
  const name = (['vehicle.make', 'vehicle.model'] as const).map((path) => textOf(draft, path).trim()).join(' ').trim();
  const year = textOf(draft, 'vehicle.year');
  return year ? `${name}, ${year}` : name;
}

/** `Илья К.`: the drivers of an accepted application, as long as the page is open. */
export function driverNames(number: string): string[] {
  const draft = accepted.get(number);
  if (!draft || isSet(draft, 'are drivers unlimited')) return [];
  return Array.from({ length: driversOf(draft) }, (_, at) => {
    const [first, last] = (['firstName', 'lastName'] as const).map((key) => textOf(draft, `drivers.listed.${at}.${key}`).trim());
    return `${first} ${last?.charAt(0)}.`;
  });
}

const DEPOT = new Set(['TRAM', 'TROLLEYBUS']);

/** Whether the vehicle has the number of a depot instead of a state plate. */
export const isOfDepot = (draft: Draft): boolean => DEPOT.has(textOf(draft, 'vehicle.category'));

/** Whether the vehicle has papers and plates of another country. */
export const isFromAbroad = (draft: Draft): boolean => (textOf(draft, 'vehicle.registrationCountry') || RUSSIA) !== RUSSIA;

export function plateOf(draft: Draft): string {
  if (isOfDepot(draft) || isFromAbroad(draft)) return textOf(draft, 'vehicle.licensePlate').trim();
  return `${textOf(draft, 'plate series')} ${textOf(draft, 'plate region')}`.trim();
}
