// What few people have to say of themselves: another document than a Russian passport, another citizenship.

import type { ComponentChildren } from 'preact';

import { serverNow } from '../clock';
import { useForm } from './context';
import { countries } from './countries';
import { Draft, RUSSIA, textOf } from './draft';
import { Choice, Text } from './fields';
import { divisionCode, Mask, partNumber, passport } from './masks';
import type { PersonPath } from './parties';
import { More } from './section';
import { dateOf } from './written';

const KINDS = [
  ['RUSSIAN_PASSPORT', 'Паспорт гражданина России'],
  ['BIRTH_CERTIFICATE', 'Свидетельство о рождении'],
  ['FOREIGN_PASSPORT', 'Паспорт другой страны'],
  ['RESIDENCE_PERMIT', 'Вид на жительство'],
  ['TEMPORARY_RESIDENCE_PERMIT', 'Разрешение на временное проживание'],
  ['REFUGEE_CERTIFICATE', 'Удостоверение беженца'],
] as const;
const SEXES = [
  ['', 'Не указан'],
  ['FEMALE', 'Женский'],
  ['MALE', 'Мужской'],
] as const;
/** Kinds that other countries issue too. */
const OF_ANY_COUNTRY = new Set(['BIRTH_CERTIFICATE', 'FOREIGN_PASSPORT']);
const PASSPORT_AGE_MIN = 14;
const YEAR_MS = 365.25 * 86_400_000;

const kindOf = (draft: Draft, path: PersonPath): string => textOf(draft, `${path}.document.kind`) || 'RUSSIAN_PASSPORT';

interface NumberField {
  label: string;
  mask: Mask;
  inputMode: 'numeric' | undefined;
}

/** How the number of the chosen document is asked for. */
export function numberOf(draft: Draft, path: PersonPath): NumberField {
  const kind = kindOf(draft, path);
  if (kind === 'RUSSIAN_PASSPORT') return { label: 'Серия и номер паспорта', mask: passport, inputMode: 'numeric' };
  const label = kind === 'BIRTH_CERTIFICATE' ? 'Серия и номер свидетельства' : 'Серия и номер документа';
  return { label, mask: partNumber, inputMode: undefined };
}

/** Whether a person has a passport in the form, and is too young for one. */
export function isChild(draft: Draft, path: PersonPath): boolean {
  const born = dateOf(textOf(draft, `${path}.birthDate`));
  if (typeof born !== 'string' || kindOf(draft, path) !== 'RUSSIAN_PASSPORT') return false;
  return (serverNow() - Date.parse(born)) / YEAR_MS < PASSPORT_AGE_MIN;
}

const KEYS = [
  'document.kind',
  'document.country',
  'document.issuedBy',
  'document.divisionCode',
  'citizenship',
  'sex',
  'phone',
  'email',
] as const;

/** @param children are contacts, where they are as rare as the rest. */
export function Identity({ path, children }: { path: PersonPath; children?: ComponentChildren }) {
  const { draft, set } = useForm();
  const paths = KEYS.filter((key) => children || (key !== 'phone' && key !== 'email')).map((key) => `${path}.${key}` as const);
  const kind = kindOf(draft, path);
  const citizenship = textOf(draft, `${path}.citizenship`) || RUSSIA;
  return (
    <More title="Другой документ или гражданство" paths={paths} open={isChild(draft, path)}>
      <Choice path={`${path}.document.kind`} label="Документ" options={KINDS} />
      <Choice path={`${path}.citizenship`} label="Гражданство" options={countries()} />
      {OF_ANY_COUNTRY.has(kind) && (
        <Choice
          path={`${path}.document.country`}
          label="Страна, которая выдала документ"
          options={countries()}
          value={textOf(draft, `${path}.document.country`) || citizenship}
          onChoice={(value) => set(`${path}.document.country`, value)}
        />
      )}
      <Text path={`${path}.document.issuedBy`} label="Кем выдан" width="full" />
      {kind === 'RUSSIAN_PASSPORT' && (
        <Text path={`${path}.document.divisionCode`} label="Код подразделения" mask={divisionCode} inputMode="numeric" />
      )}
      <Choice path={`${path}.sex`} label="Пол" options={SEXES} />
      {children}
    </More>
  );
}
