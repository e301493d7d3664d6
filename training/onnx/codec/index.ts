export { decodeModel } from './decode.ts';
export { encodeChunks, encodeModel } from './encode.ts';
export { requireOpset } from './opset.ts';
export { readModel } from './read.ts';
export { writeModel } from './write.ts';
