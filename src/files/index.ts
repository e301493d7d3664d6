export {
  replaceFolder,
  writeFileAtomically,
  writeFilesAtomically,
  writeFolderAtomically,
} from './atomic.ts';
export { type Format, formatInside, formatOf, formats, hasColumns, rowReader } from './formats.ts';
export { isRunning } from './is-running.ts';
export { type JsonObject, parseJson, readJsonFile } from './json-file.ts';
export { findOddity, type Oddity } from './json-structure.ts';
export { textLines } from './lines.ts';
export { type OpenedFile, openFile, requireTextFile } from './open.ts';
export { atPlace, placeOf, type Row, type RowReader } from './rows.ts';
export {
  bareName,
  escapeUnseen,
  isHarmless,
  nameShown,
  onOneLine,
  shown,
  shownValue,
  withoutControls,
} from './shown.ts';
export { strangerOf } from './strangers.ts';
export { readTextFile } from './text-file.ts';
