const MOST_CHARACTERS = 40;
/** Names of nodes and values are read as a whole: paths of modules are long. */
const MOST_OF_NAME = 160;

/** Characters that would act on a terminal or not be seen: controls, formats, separators of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A piece of a file for a message: quoted, cut, and with nothing in it that acts on a terminal. */
export const shown = (text: string): string => quoted(text, MOST_CHARACTERS);

function quoted(text: string, most: number): string {
  return escapeUnseen(JSON.stringify(cut(text, most)));
}

/** A name out of a file for a message, quoted. */
export const nameShown = (name: string): string => quoted(name, MOST_OF_NAME);

/** The same without quotes, for a table. */
export const bareName = (name: string): string => nameShown(name).slice(1, -1);

/** A message that holds what a file or another program says, on one line. */
export const onOneLine = (text: string, most = 2000): string => escapeUnseen(cut(text, most));

/** Text of several lines, with nothing but line breaks and tabs that acts on a terminal. */
export const withoutControls = (text: string): string =>
  text.replace(UNSEEN, (character) => (/[\n\t]/.test(character) ? character : escaped(character)));

/** A text without anything that acts on a terminal, line ends included. */
export const escapeUnseen = (text: string): string => text.replace(UNSEEN, escaped);

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
