// What stands in the API's input for a text that is typed, or why it cannot be written there.

const DATE_PARTIAL = 'Укажите дату полностью: день, месяц и год, например 31.05.2024.';
const DATE_UNKNOWN = 'Такого дня в календаре нет: проверьте день и месяц.';
const WHOLE_WRONG = 'Укажите одно целое число цифрами.';
const HORSEPOWER_PER_KW = 1.35962;

export interface Wrong {
  wrong: string;
}

export const isWrong = (value: unknown): value is Wrong => typeof value === 'object';

const asTyped = (text: string) => text;

/** By the kind of a field in the table. */
export const WRITERS = {
  text: asTyped,
  choice: asTyped,
  moment: asTyped,
  whole: (text: string) => (/^\d{1,9}$/.test(text) ? Number(text) : { wrong: WHOLE_WRONG }),
  decimal: (text: string) =>
    /^\d+([.,]\d*)?$/.test(text) ? text.replace(',', '.').replace(/\.$/, '') : { wrong: decimalWrong(text) },
  date: dateOf,
} as const;

/** `31.05.2024` as `2024-05-31`. */
export function dateOf(text: string): string | Wrong {
  const [, day, month, year] = /^(\d\d)\.(\d\d)\.(\d{4})$/.exec(text) ?? [];
  if (!year) return { wrong: DATE_PARTIAL };
  const iso = `${year}-${month}-${day}`;
  const moment = new Date(`${iso}T00:00:00Z`);
  const isDay = !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(iso);
  return isDay ? iso : { wrong: DATE_UNKNOWN };
}

/** A certificate has power as `110/149,6`, in kW and in horsepower. */
function decimalWrong(text: string): string {
  const [one = 0, other = 0] = (text.match(/\d+([.,]\d+)?/g) ?? []).map((part) => Number(part.replace(',', '.')));
  const [kw, horsepower] = [Math.min(one, other), Math.max(one, other)];
  const isBoth = kw > 0 && Math.abs(kw * HORSEPOWER_PER_KW - horsepower) < horsepower / 50;
  if (!isBoth) return 'Укажите одно число, например 149,6.';
  return `Это две мощности: в кВт и в л. с. Оставьте одну, в л. с.: ${String(horsepower).replace('.', ',')}.`;
}
