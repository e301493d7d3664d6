export { replaceFolder, writeFileAtomically, writeFolderAtomically } from './atomic.ts';
