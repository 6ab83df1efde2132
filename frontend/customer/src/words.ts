// How numbers, money and moments are written in Russian.

import { serverNow } from './clock';

/** `1 поле`, `3 поля`, `5 полей`. */
export function counted(count: number, one: string, few: string, many: string): string {
  const word = { one, few, many, other: many, zero: many, two: few }[RULES.select(count)];
  return `${count} ${word}`;
}

/** `40 секунд`, `5 минут`. */
export function duration(seconds: number): string {
  if (seconds < 90) return counted(seconds, 'секунду', 'секунды', 'секунд');
  return counted(Math.ceil(seconds / 60), 'минуту', 'минуты', 'минут');
}

const MOSCOW = { timeZone: 'Europe/Moscow' } as const;
const RULES = new Intl.PluralRules('ru');
const WHOLE = new Intl.NumberFormat('ru-RU', { maximumFractionDigits: 0 });
const DAY = new Intl.DateTimeFormat('ru-RU', { ...MOSCOW, day: 'numeric', month: 'long' });
const YEAR = new Intl.DateTimeFormat('ru-RU', { ...MOSCOW, year: 'numeric' });
const TIME = new Intl.DateTimeFormat('ru-RU', { ...MOSCOW, hour: '2-digit', minute: '2-digit' });
const LOCAL_TIME = new Intl.DateTimeFormat('ru-RU', { hour: '2-digit', minute: '2-digit' });

export interface Sum {
  whole: string;
  fraction: string;
  sign: string;
}

/** `5432.10` → `5 432`, `10`, `₽`. Amounts stay strings on their way: no kopeck is rounded. */
export function sum(amount: string, currency: string): Sum {
  const [before = '0', after = ''] = amount.split('.');
  const fraction = after.padEnd(2, '0');
  return {
    whole: WHOLE.format(BigInt(before)),
    fraction: /^0+$/.test(fraction) ? '' : fraction,
    sign: currency === 'RUB' ? '₽' : currency,
  };
}

export function sumText(amount: string, currency: string): string {
  const { whole, fraction, sign } = sum(amount, currency);
  return `${whole}${fraction && `,${fraction}`}\u00a0${sign}`;
}

/** Of Moscow's clock: `25 ноября, 12:30`, with the year where it is not this one, with `мск` where the device's clock differs. */
export function moment(at: string | number): string {
  const date = new Date(at);
  const year = YEAR.format(date);
  const day = year === YEAR.format(serverNow()) ? DAY.format(date) : `${DAY.format(date)} ${year}`;
  const time = TIME.format(date);
  return `${day}, ${time}${time === LOCAL_TIME.format(date) ? '' : '\u00a0мск'}`;
}

/** A calendar date of the API, `2026-12-31`, as `31 декабря`, with the year where it is not this one. */
export function day(iso: string): string {
  return moment(`${iso}T12:00:00+03:00`).split(',')[0]!;
}

/** The day in Moscow so many days from today, as it is typed: `31.12.2026`. */
export function dayAhead(days: number): string {
  const format = { ...MOSCOW, day: '2-digit', month: '2-digit', year: 'numeric' } as const;
  return new Date(serverNow() + days * 86_400_000).toLocaleDateString('ru-RU', format);
}

/** Of decimal strings, as they are sorted and compared: kopecks. */
export function kopecks(amount: string): number {
  const [before = '0', after = ''] = amount.split('.');
  return Number(before) * 100 + Number(after.slice(0, 2).padEnd(2, '0'));
}
