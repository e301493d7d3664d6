export {
  type CleaningMode,
  cleanLongText,
  cleanText,
  countTypeNames,
  isTooShort,
  tooShortMessage,
} from './cleaning.ts';
export { composed } from './tokenizer/characters.ts';
export { TextTokenizer, tokenizerPaths } from './tokenizer.ts';
export {
  CHARACTERS_PER_TOKEN,
  idsOfWindows,
  longestWindow,
  SPECIAL_TOKENS_PER_WINDOW,
  tokenWindows,
  type WindowRange,
  windowCount,
  windowRanges,
} from './windows.ts';
export { type TokenizedWord, tokenizedWords, type Word } from './words.ts';
