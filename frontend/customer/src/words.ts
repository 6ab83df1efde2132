// How numbers, money and moments are written in Russian.

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

const RULES = new Intl.PluralRules('ru');
const WHOLE = new Intl.NumberFormat('ru-RU', { maximumFractionDigits: 0 });
const DAY = new Intl.DateTimeFormat('ru-RU', { day: 'numeric', month: 'long' });
const TIME = new Intl.DateTimeFormat('ru-RU', { hour: '2-digit', minute: '2-digit' });

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

/** `25 ноября, 12:30`. */
export function moment(iso: string): string {
  const date = new Date(iso);
  return `${DAY.format(date)}, ${TIME.format(date)}`;
}

/** Of decimal strings, as they are sorted and compared: kopecks. */
export function kopecks(amount: string): number {
  const [before = '0', after = ''] = amount.split('.');
  return Number(before) * 100 + Number(after.slice(0, 2).padEnd(2, '0'));
}
