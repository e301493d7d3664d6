const MOST_CHARACTERS = 40;

/** Characters that would act on a terminal or not be seen: controls, formats, separators of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A piece of a file for a message: quoted, cut at so many characters, and with nothing in it that acts on a terminal. */
export function shown(text: string, most = MOST_CHARACTERS): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return escapeUnseen(JSON.stringify(cut));
}

/** A text without anything that acts on a terminal, line ends included. */
export const escapeUnseen = (text: string): string => text.replace(UNSEEN, escaped);

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
