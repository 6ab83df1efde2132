// How values look while they are typed. A mask puts separators where they belong and exchanges look-alike letters of the wrong
// alphabet for those of the document. What does not fit it, by one character too many or of another kind, stays as it is typed,
// to be seen and to be judged by the API: a mask never makes another value.

/** Takes the text in the field, returns how it should stand there; `isLeft` when the customer has left the field. */
export type Mask = (typed: string, isLeft?: boolean) => string;

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

/** Marks of direction and joining that come with what is pasted. */
const unmarked = (text: string) => text.replace(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '');

/** Splits into groups of these sizes. */
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

const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);

/** Groups what consists of these characters alone and is not too long. */
function groups(alphabet: RegExp, sizes: readonly number[], written = (text: string) => text): Mask {
  return (typed) => {
    const text = written(unmarked(typed)).replace(/[\s\-–—№]/g, '');
    return alphabet.test(text) && text.length <= total(sizes) ? grouped(text, sizes) : typed;
  };
}

const DIGITS = /^\d*$/;

export const passport = groups(DIGITS, [2, 2, 6]);
/** Registration certificate and driving licence: ten characters, the third and fourth may be letters. */
export const card = groups(/^[АВЕКМНОРСТУХ\d]*$/, [2, 2, 6], inCyrillic);
export const vehiclePassport = groups(/^[А-Я\d]*$/, [2, 2, 6], inCyrillic);
export const electronicPassport = groups(DIGITS, [5, 5, 5]);
export const kladr = groups(DIGITS, [19]);
/** Numbers of an organisation in the state's registers. */
export const groupedDigits = groups(DIGITS, [15]);
export const divisionCode: Mask = (typed) => typed.replace(/^\s*(\d{3})[\s–—-]?(\d{1,3})\s*$/, '$1-$2');
export const policySeries: Mask = (typed) => inCyrillic(typed);
export const policyNumber = groups(DIGITS, [10]);

const VIN_LENGTH = 17;

/** A whole VIN has no I, O or Q: typed, they mean 1 and 0. Certificates print the word VIN before it. */
export const vin: Mask = (typed) => {
  const latin = inLatin(unmarked(typed));
  const text = latin.replace(/^\s*VIN[\s:№-]*/, '').replace(/[\s-]/g, '');
  if (text.length !== VIN_LENGTH || !/^[A-Z\d]+$/.test(text)) return latin;
  return text.replace(/I/g, '1').replace(/[OQ]/g, '0');
};

export const partNumber: Mask = (typed) => typed.toUpperCase();

export interface PlateParts {
  series: string;
  region?: string;
}

/** Kinds that can be separated from their region: А 123 ВС, 1234 АВ, АВ 123 С. */
const WHOLE_PLATE = /^([АВЕКМНОРСТУХ]\d{3}[АВЕКМНОРСТУХ]{2}|\d{4}[АВЕКМНОРСТУХ]{2}|[АВЕКМНОРСТУХ]{2}\d{3}[АВЕКМНОРСТУХ])(\d{2,3})$/;
const SERIES_LENGTH = 6;

/** What is typed before the region; a whole plate that is pasted there brings its region along. */
export function plateParts(typed: string): PlateParts {
  const text = inCyrillic(unmarked(typed).replace(/\s*RUS\s*$/i, '')).replace(/[\s\-–—]/g, '');
  const [, series, region] = WHOLE_PLATE.exec(text) ?? [];
  if (series && region) return { series: groupedPlate(series), region };
  const isSeries = /^[АВЕКМНОРСТУХ\d]*$/.test(text) && text.length <= SERIES_LENGTH;
  return { series: isSeries ? groupedPlate(text) : typed };
}

function groupedPlate(text: string): string {
  if (/^\d/.test(text)) return grouped(text, [4, 2]);
  return grouped(text, /^\D\D\d{4}/.test(text) ? [2, 4] : /^\D\D/.test(text) ? [2, 3, 1] : [1, 3, 2]);
}

export const plateRegion: Mask = groups(DIGITS, [3]);

export const date: Mask = (typed) => {
  const text = unmarked(typed).trim();
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (iso) return `${iso[3]}.${iso[2]}.${iso[1]}`;
  if (!/^[\d.,/\s-]*$/.test(text)) return typed;
  const digits = text.replace(/(^|\D)(\d)(?=\D)/g, '$10$2').replace(/\D/g, '');
  return digits.length <= 8 ? grouped(digits, [2, 2, 4], '.') : typed;
};

/** Russian numbers are grouped once it is sure which digits they have: an 8 in front may be a trunk prefix or a code. */
export const phone: Mask = (typed, isLeft = false) => {
  const text = unmarked(typed);
  if (!/^[\d+\s().\-–—]*$/.test(text)) return text;
  const digits = text.replace(/\D/g, '');
  if (/^\s*\+/.test(text)) return digits.startsWith('7') ? national(digits.slice(1), text) : text;
  if (/^[78]/.test(digits) && digits.length === 11) return national(digits.slice(1), text);
  return digits.length === 10 && (isLeft || !/^[78]/.test(digits)) ? national(digits, text) : text;
};

function national(digits: string, typed: string): string {
  const number = digits.length === 11 && /^[78]/.test(digits) ? digits.slice(1) : digits;
  if (number.length > 10) return typed;
  if (!number) return '+7';
  const [code, first, second, third] = [number.slice(0, 3), number.slice(3, 6), number.slice(6, 8), number.slice(8)];
  return `+7 ${code}${first && ` ${first}`}${second && `-${second}`}${third && `-${third}`}`;
}

export const decimal: Mask = (typed) => (/^\d*\.\d*$/.test(typed) ? typed.replace('.', ',') : typed);

/** Each word in one alphabet, where its letters of the other one all have a look-alike. */
export const name: Mask = (typed) => {
  const text = unmarked(typed).replace(/[^\s-]+/g, inOneAlphabet);
  return text.charAt(0).toUpperCase() + text.slice(1);
};

const hasCyrillic = (word: string) => /[А-Яа-яЁё]/.test(word);
const hasLatin = (word: string) => /[A-Za-z]/.test(word);

/** Whether a word has letters of both alphabets: no name does. */
export const isMixed = (text: string): boolean => text.split(/[\s-]/).some((word) => hasCyrillic(word) && hasLatin(word));

function inOneAlphabet(word: string): string {
  if (!isMixed(word)) return word;
  const cyrillic = exchange(exchange(word, LATIN, CYRILLIC), SMALL_LATIN, SMALL_CYRILLIC);
  if (!hasLatin(cyrillic)) return cyrillic;
  const latin = exchange(exchange(word, CYRILLIC, LATIN), SMALL_CYRILLIC, SMALL_LATIN);
  return hasCyrillic(latin) ? word : latin;
}

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
