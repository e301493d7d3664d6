import { fromFile, fromWords } from './assignments.ts';
import { fromEnvironment } from './environment.ts';
import { readConfigFiles } from './files.ts';
import type { LoadOptions } from './load.ts';
import { Problems } from './problems.ts';
import { keys } from './schema.ts';

const PATH = 'log.format';

/**
 * What the configuration says of `log.format`, as far as it can be read: whatever else is wrong with it
 * is to be reported in that form. Undefined where it says nothing that is allowed.
 */
export function statedLogFormat({
  file,
  overrides = [],
  env = process.env,
}: Omit<LoadOptions, 'flags'>): unknown {
  const problems = new Problems();
  const assignments = [
    ...readable(() => (file === undefined ? [] : readConfigFiles(file))).flatMap((one) =>
      fromFile(one, problems),
    ),
    ...fromEnvironment(env, problems),
    ...fromWords(overrides, problems),
  ];
  return assignments.findLast(
    ({ path, value }) => path === PATH && keys.get(PATH)?.format.check(value).length === 0,
  )?.value;
}

/** The error of a file that cannot be read is the one that is being reported. */
function readable<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
