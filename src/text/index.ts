export {
  type CleaningMode,
  cleanText,
  countTypeNames,
  isTooShort,
  MINIMUM_TEXT_LENGTH,
} from './cleaning.ts';
export { LineCounter } from './line-counter.ts';
export { TextTokenizer, tokenizerPaths } from './tokenizer.ts';
export {
  CHARACTERS_PER_TOKEN,
  SPECIAL_TOKENS_PER_WINDOW,
  tokenWindows,
  type WindowRange,
  windowCount,
  windowRanges,
} from './windows.ts';
export { type TokenizedWord, tokenizedWords, type Word } from './words.ts';
