import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';

interface Row {
  readonly form: string;
  readonly size: number;
  /** The largest |Δlogit| against each text alone. */
  readonly logit: number;
}

async function check(...flags: string[]): Promise<Row[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['bench/packing.mjs', '--exact', ...flags],
    { cwd: packageRoot, env: { ...process.env, NODE_OPTIONS: '' } },
  );
  return (JSON.parse(stdout) as { rows: Row[] }).rows;
}

describe('texts packed into one row of tokens', () => {
  it('have the logits of each text alone, whichever way attention keeps them apart', async () => {
    const rows = await check();
    const packed = rows.filter(({ form }) => form.startsWith('packed'));
    expect(packed.map(({ form, size }) => `${form} ${size}`)).toEqual(
      ['packed', 'packed, attention apart'].flatMap((form) =>
        [2, 4, 8, 16].map((size) => `${form} ${size}`),
      ),
    );
    // fp32 sums in another order; logits are of size 1.
    for (const { logit } of packed) expect(logit).toBeLessThanOrEqual(1e-5);
  });

  it('are found out where the mask does not keep them apart', async () => {
    await expect(check('--one-text')).rejects.toThrow(/packed, 2 texts: a logit differs by/);
  });
});
