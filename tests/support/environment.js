import { TestEnvironment } from 'jest-environment-node';

/** Milliseconds of one test: where it computes or starts programs, a busy machine takes long. */
const LIMIT = { usual: 10_000, busy: 30_000 };
/** What jest and `until` say of a wait that came to its end. */
const IN_VAIN = /Exceeded timeout of |^after \d+ ms it still does not hold/;
const isBusy =
  /\/tests\/(.*\/bin|e2e|contracts|scripts|training\/(?!hub|data|tracking|evaluate))\//;

/**
 * Node's environment with the host's own typed arrays: native addons check `instanceof` against the
 * host realm, so `onnxruntime-node` refuses the sandbox's Float32Array.
 *
 * What waits in vain tells enough: after a test that ran into its limit, or into that of `until`, no other of its
 * file is begun, as each would most likely wait as long.
 */
export default class TypedArrayEnvironment extends TestEnvironment {
  #limit;
  #hasWaitedInVain = false;

  constructor(config, context) {
    super(config, context);
    this.#limit = isBusy.test(context.testPath) ? LIMIT.busy : LIMIT.usual;
    this.global.testLimitMs = this.#limit;
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

  handleTestEvent(event, state) {
    if (event.name === 'run_start') state.testTimeout = this.#limit;
    if (event.name === 'test_fn_failure' || event.name === 'hook_failure') {
      const { message = String(event.error) } = event.error ?? {};
      this.#hasWaitedInVain ||= IN_VAIN.test(message);
    }
    if (event.name === 'test_start' && this.#hasWaitedInVain) event.test.mode = 'skip';
  }
}
