const MOST_CHARACTERS = 40;
const MOST_ITEMS = 8;

/** Characters that would act on a terminal or not be seen: controls, formats, separators of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Of them, those that no name needs: emoji and some scripts are written with formats. */
const HARMFUL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** A piece of a file for a message: quoted, cut, and with nothing in it that acts on a terminal. */
export function shown(text: string): string {
  return visible(JSON.stringify(cut(text, MOST_CHARACTERS)));
}

/** A value of a JSON file for a message, however large it is and however deep: as `shown`. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'missing';
  return visible(cut(outline(value), MOST_CHARACTERS));
}

/** A sentence with a foreign part for a message: on one line, cut, and with nothing in it that acts on a terminal. */
export function shownLine(text: string, most = 500): string {
  return visible(
    cut(text, most)
      .trim()
      .replaceAll(/\s*[\r\n]+\s*/g, ' '),
  );
}

/** What would act on a terminal as an escape that can be seen. */
export const visible = (text: string): string => text.replace(UNSEEN, escaped);

/** Whether a name can stand in logs, in tables and on terminals as it is. */
export const isHarmless = (name: string): boolean => !HARMFUL.test(name);

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

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

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
