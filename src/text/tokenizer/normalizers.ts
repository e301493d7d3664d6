import {
  byteLevel,
  CHINESE,
  CONTROL,
  isAscii,
  lowerCase,
  MARK,
  NONSPACING,
  normalForm,
  SPACE,
  strip,
} from './characters.ts';
import { boolean, build, type ComponentTable, component, list, or, string } from './component.ts';
import type { JsonPlace } from './json-place.ts';
import { pattern } from './pattern.ts';
import { precompiled } from './precompiled.ts';

/** Whether the text given begins and ends where the text between added tokens does: the rest may be elsewhere. */
export interface Ends {
  readonly start: boolean;
  readonly end: boolean;
}

export type Normalizer = (text: string, ends: Ends) => string;

const control = new RegExp(CONTROL, 'gu');
const space = new RegExp(SPACE, 'gu');
const chinese = new RegExp(`[${CHINESE}]`, 'gu');
const nonspacing = new RegExp(NONSPACING, 'gu');
const mark = new RegExp(MARK, 'gu');
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what goes
const nmtDropped = /[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g;
const nmtSpace = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;

interface Bert {
  readonly clean_text: boolean;
  readonly handle_chinese_chars: boolean;
  readonly strip_accents: boolean | undefined;
  readonly lowercase: boolean;
}

function bert(options: Bert): Normalizer {
  const stripsAccents = options.strip_accents ?? options.lowercase;
  return (text) => {
    let t = text;
    if (options.clean_text) t = t.replace(control, '').replace(space, ' ');
    if (options.handle_chinese_chars) t = t.replace(chinese, ' $& ');
    if (stripsAccents && !isAscii(t)) t = normalForm(t, 'NFD').replace(nonspacing, '');
    return options.lowercase ? lowerCase(t) : t;
  };
}

const inForm = (form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD') =>
  component({}, () => (text: string) => normalForm(text, form));

/** The normalizers that are honoured, with their attributes. */
export const normalizers: ComponentTable<Normalizer> = {
  BertNormalizer: component(
    {
      clean_text: boolean,
      handle_chinese_chars: boolean,
      strip_accents: or(boolean, undefined),
      lowercase: boolean,
    },
    (options) => bert(options),
  ),
  ByteLevel: component({}, () => byteLevel),
  Lowercase: component({}, () => lowerCase),
  NFC: inForm('NFC'),
  NFD: inForm('NFD'),
  NFKC: inForm('NFKC'),
  NFKD: inForm('NFKD'),
  Nmt: component({}, () => (text) => text.replace(nmtDropped, '').replace(nmtSpace, ' ')),
  Precompiled: component({ precompiled_charsmap: string }, (_, place) =>
    precompiled(place.get('precompiled_charsmap')),
  ),
  Prepend: component(
    { prepend: string },
    ({ prepend }) =>
      (text, { start }) =>
        start && text ? prepend + text : text,
  ),
  Replace: component({ pattern, content: string }, ({ pattern: parts, content }) => (text) => {
    const found = parts(text);
    return found.map(([part, matched]) => (matched ? content : part)).join('');
  }),
  Sequence: component(
    { normalizers: list((place: JsonPlace): Normalizer => build(normalizers, place)) },
    (values) => (text, ends) =>
      values.normalizers.reduce((t, normalize) => normalize(t, ends), text),
  ),
  Strip: component(
    { strip_left: boolean, strip_right: boolean },
    ({ strip_left: left, strip_right: right }) =>
      (text, { start, end }) =>
        strip(text, { left: left && start, right: right && end }),
  ),
  StripAccents: component({}, () => (text) => text.replace(mark, '')),
};
