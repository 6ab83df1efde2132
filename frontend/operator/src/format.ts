// Figures as an operator reads them: short, in the language of the page, with a unit that fits.
import { language, t } from './words';

const locale = () => (language() === 'ru' ? 'ru-RU' : 'en-GB');

export const number = (value: number) => new Intl.NumberFormat(locale()).format(value);

export function share(value: number | null): string {
  if (value === null) return '–';
  const digits = value >= 1 || value === 0 ? 0 : value > 0.99 ? 2 : 1;
  // Never rounded up to a whole that it is not.
  const cut = value < 1 ? Math.floor(value * 100 * 10 ** digits) / 10 ** digits : 100;
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(cut)} %`;
}

/** `80 ms`, `1.4 s`, `3 min`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–';
  const of = (value: number, digits: number, unit: string) =>
    `${new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value)} ${t(unit)}`;
  if (seconds < 0.9995) return of(seconds * 1000, 0, 'ms');
  if (seconds < 10) return of(seconds, 1, 's');
  if (seconds < 120) return of(seconds, 0, 's');
  if (seconds < 7200) return of(seconds / 60, 0, 'min');
  if (seconds < 172_800) return of(seconds / 3600, 0, 'h');
  return of(seconds / 86_400, 0, 'd');
}

export function rate(perS: number): string {
  const digits = perS < 10 ? 1 : 0;
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(perS)}/${t('s')}`;
}

export function limit(count: number | null, perS: number | null): string {
  if (count === null || perS === null) return '–';
  return `${number(count)}/${t(perS === 1 ? 's' : perS === 60 ? 'min' : perS === 3600 ? 'h' : 'd')}`;
}

const part = (moment: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale(), options).format(new Date(moment));

export const clock = (moment: string) => part(moment, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export function dated(moment: string): string {
  const isToday = new Date(moment).toDateString() === new Date().toDateString();
  return isToday ? clock(moment) : part(moment, { day: '2-digit', month: '2-digit', hour: '2-digit', minute: '2-digit' });
}

export const since = (moment: string, now = Date.now()) => (now - new Date(moment).getTime()) / 1000;
