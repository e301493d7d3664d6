const MOST_CHARACTERS = 40;
/** Names of nodes and values are read as a whole: paths of modules are long. */
const MOST_OF_NAME = 160;
/** Items of a list or an object. */
const MOST_ITEMS = 8;

/** Characters that would act on a terminal or not be seen: controls, formats, separators of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Of them, those that no name needs: emoji and some scripts are written with formats. */
const HARMFUL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** A piece of a file for a message: quoted, cut, and with nothing in it that acts on a terminal. */
export const shown = (text: string): string => quoted(text, MOST_CHARACTERS);

function quoted(text: string, most: number): string {
  return escapeUnseen(JSON.stringify(cut(text, most)));
}

/** A value of a JSON file for a message, however large it is and however deep: as `shown`. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'missing';
  return escapeUnseen(cut(outline(value), MOST_CHARACTERS));
}

/** JSON of a value, cut at every level; deeper ones are not looked at. */
function outline(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(cut(value, MOST_CHARACTERS));
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  if (depth > 2) return isList ? '[…]' : '{…}';
  const parts: string[] = [];
  for (const key in value) {
    if (parts.length === MOST_ITEMS) {
      parts.push('…');
      break;
    }
    const inner = outline((value as Readonly<Record<string, unknown>>)[key], depth + 1);
    parts.push(isList ? inner : `${outline(key)}:${inner}`);
  }
  return isList ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
}

/** A name out of a file for a message, quoted. */
export const nameShown = (name: string): string => quoted(name, MOST_OF_NAME);

/** The same without quotes, for a table. */
export const bareName = (name: string): string => nameShown(name).slice(1, -1);

/** A message that holds what a file or another program says: on one line, cut, and with nothing in it that acts on a terminal. */
export const onOneLine = (text: string, most = 2000): string =>
  escapeUnseen(
    cut(text, most)
      .trim()
      .replaceAll(/\s*[\r\n]+\s*/g, ' '),
  );

/** Text of several lines, with nothing but line breaks and tabs that acts on a terminal. */
export const withoutControls = (text: string): string =>
  text.replace(UNSEEN, (character) => (/[\n\t]/.test(character) ? character : escaped(character)));

/** Whether a name can stand in logs, in tables and on terminals as it is. */
export const isHarmless = (name: string): boolean => !HARMFUL.test(name);

/** A text without anything that acts on a terminal, line ends included. */
export const escapeUnseen = (text: string): string => text.replace(UNSEEN, escaped);

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
