export { replaceFolder, writeFileAtomically, writeFolderAtomically } from './atomic.ts';
export { type JsonObject, parseJson, readJsonFile } from './json-file.ts';
export { strangerOf } from './strangers.ts';
export { readTextFile } from './text-file.ts';
