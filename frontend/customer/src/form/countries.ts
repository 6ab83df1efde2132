// Countries by their ISO codes, named by the browser: neighbours first.

const NEAR = ['RU', 'BY', 'KZ', 'AM', 'AZ', 'GE', 'KG', 'MD', 'TJ', 'TM', 'UZ', 'AB', 'UA'];
const OTHERS =
  'ADAEAFAGALAOARATAUBABBBDBEBFBGBHBIBJBNBOBRBSBTBWBZCACDCFCGCHCICLCMCNCOCRCUCVCYCZDEDJDKDMDODZECEEEGERESETFIFJFMFRGAGBGDGHGMGNGQGRGTGWGYHKHNHRHTHUIDIEILINIQIRISITJMJOJPKEKHKIKMKNKPKRKWLALBLCLILKLRLSLTLULVLYMAMCMEMGMHMKMLMMMNMRMTMUMVMWMXMYMZNANENGNINLNONPNRNZOMPAPEPGPHPKPLPSPTPWPYQARORSRWSASBSCSDSESGSISKSLSMSNSOSRSSSTSVSYSZTDTGTHTLTNTOTRTTTVTWTZUGUSUYVAVCVEVNVUWSXKYEZAZMZW';

const names = new Intl.DisplayNames('ru', { type: 'region' });

const named = (codes: readonly string[]) => codes.map((code) => [code, names.of(code) ?? code] as const);

let made: readonly (readonly [code: string, name: string])[] | undefined;

/** To choose from; Russia is the first. */
export function countries(): readonly (readonly [code: string, name: string])[] {
  made ??= [
    ...named(NEAR),
    ...named(OTHERS.match(/../g) ?? []).sort(([, one], [, other]) => one.localeCompare(other, 'ru')),
  ];
  return made;
}
