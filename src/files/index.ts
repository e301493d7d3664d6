export { replaceFolder, writeFileAtomically, writeFolderAtomically } from './atomic.ts';
export { type Format, formatInside, formatOf, formats, hasColumns, readRows } from './formats.ts';
export { textLines } from './lines.ts';
export { type OpenedFile, openFile } from './open.ts';
export { atPlace, placeOf, type Row, type RowOptions } from './rows.ts';
export { shown } from './shown.ts';
