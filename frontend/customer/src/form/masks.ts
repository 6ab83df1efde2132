// How values look while they are typed: each mask takes the text in the field and returns how it should stand
// there. Look-alike letters of the wrong alphabet become those of the document. The API drops spaces again.

export type Mask = (typed: string) => string;

const LATIN = 'ABEKMHOPCTYX';
const CYRILLIC = 'АВЕКМНОРСТУХ';
const SMALL_LATIN = 'aceopxy';
const SMALL_CYRILLIC = 'асеорху';

function exchange(text: string, from: string, to: string): string {
  return text.replace(/./gu, (letter) => {
    const at = from.indexOf(letter);
    return at < 0 ? letter : to.charAt(at);
  });
}

const inCyrillic = (text: string) => exchange(text.toUpperCase(), LATIN, CYRILLIC);
const inLatin = (text: string) => exchange(text.toUpperCase(), CYRILLIC, LATIN);

/** Splits into groups of these sizes; what is over stays with the last one. */
function grouped(text: string, sizes: readonly number[], between = ' '): string {
  const groups: string[] = [];
  let rest = text;
  for (const size of sizes) {
    if (!rest) break;
    groups.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return groups.join(between) + rest;
}

function only(allowed: RegExp, most: number): Mask {
  return (typed) => (typed.match(allowed) ?? []).join('').slice(0, most);
}

const digits = (most: number) => only(/\d/g, most);

export const passport: Mask = (typed) => grouped(digits(10)(typed), [2, 2, 6]);

/** Registration certificate and driving licence: ten characters, the third and fourth may be letters. */
export const card: Mask = (typed) => grouped(only(/[АВЕКМНОРСТУХ\d]/g, 10)(inCyrillic(typed)), [2, 2, 6]);

export const vehiclePassport: Mask = (typed) => grouped(only(/[А-Я\d]/g, 10)(inCyrillic(typed)), [2, 2, 6]);

export const electronicPassport: Mask = (typed) => grouped(digits(15)(typed), [5, 5, 5]);

/** No VIN has I, O or Q: typed, they mean 1 and 0. */
export const vin: Mask = (typed) =>
  only(/[A-HJ-NPR-Z\d]/g, 17)(inLatin(typed).replace(/I/g, '1').replace(/[OQ]/g, '0'));

export const partNumber: Mask = (typed) => typed.toUpperCase().slice(0, 40);

/** The part of a plate before its region: А 123 ВС, АА 123 or 1234 АА. */
export const plateSeries: Mask = (typed) => {
  const text = only(/[АВЕКМНОРСТУХ\d]/g, 6)(inCyrillic(typed));
  if (/^\d/.test(text)) return grouped(text, [4, 2]);
  return grouped(text, /^\D\D/.test(text) ? [2, 3] : [1, 3, 2]);
};

export const plateRegion: Mask = digits(3);

export const date: Mask = (typed) => {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(typed.trim());
  const text = iso ? `${iso[3]}${iso[2]}${iso[1]}` : typed.replace(/(^|[./])(\d)(?=[./])/g, '$10$2');
  return grouped(digits(8)(text), [2, 2, 4], '.');
};

/** Russian numbers are grouped; what begins with a plus and another country is left alone. */
export const phone: Mask = (typed) => {
  if (/^\s*\+(?!7)/.test(typed)) return typed.replace(/[^\d+ ()-]/g, '').slice(0, 20);
  const all = typed.replace(/\D/g, '');
  if (!all) return typed.includes('+') ? '+' : '';
  const national = /^[78]/.test(all) ? all.slice(1) : all;
  if (!national) return typed.trim().startsWith('+') ? '+7' : '+7 ';
  const [code = '', first = '', second = '', third = ''] = [
    national.slice(0, 3),
    national.slice(3, 6),
    national.slice(6, 8),
    national.slice(8, 10),
  ];
  return `+7 ${code}${first && ` ${first}`}${second && `-${second}`}${third && `-${third}`}`;
};

export const whole = (most: number): Mask => digits(most);

export const decimal: Mask = (typed) => {
  const [before = '', ...after] = typed.replace(/[^\d.,]/g, '').split(/[.,]/);
  return after.length ? `${before.slice(0, 4)},${after.join('').slice(0, 2)}` : before.slice(0, 4);
};

export const kladr: Mask = digits(19);

/** A name with one Russian letter is Russian throughout; names begin with capitals. */
export const name: Mask = (typed) => {
  const isRussian = /[А-Яа-яЁё]/.test(typed);
  const text = isRussian ? exchange(exchange(typed, LATIN, CYRILLIC), SMALL_LATIN, SMALL_CYRILLIC) : typed;
  return text.replace(/(^|[\s-])([a-zа-яё])/g, (_, before: string, letter: string) => before + letter.toUpperCase());
};

const SEPARATOR = /[\s.\-+()]/;

/** Where the caret belongs after the mask: behind as many characters that are not separators as before. */
export function caretAfter(typed: string, caret: number, masked: string): number {
  const before = [...typed.slice(0, caret)].filter((letter) => !SEPARATOR.test(letter)).length;
  if (typed.slice(caret).trim() === '') return masked.length;
  let seen = 0;
  for (let at = 0; at < masked.length; at += 1) {
    if (seen === before) return at;
    if (!SEPARATOR.test(masked.charAt(at))) seen += 1;
  }
  return masked.length;
}
