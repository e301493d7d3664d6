import { TestEnvironment } from 'jest-environment-node';

/**
 * Node's environment with the host's own typed arrays: native addons check `instanceof` against the
 * host realm, so `onnxruntime-node` refuses the sandbox's Float32Array.
 */
export default class TypedArrayEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of [
      'ArrayBuffer',
      'SharedArrayBuffer',
      'Int8Array',
      'Uint8Array',
      'Uint8ClampedArray',
      'Int16Array',
      'Uint16Array',
      'Int32Array',
      'Uint32Array',
      'Float32Array',
      'Float64Array',
      'BigInt64Array',
      'BigUint64Array',
      'DataView',
    ]) {
      this.global[name] = globalThis[name];
    }
  }
}
