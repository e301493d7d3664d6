import { compareVersions, type FoundBundle, findBundles } from '../bundle/index.ts';
import { type Config, Problems } from '../config/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { folderOfModels, type ModelSource, oneBundle } from './model-source.ts';
import { type OpenedModel, openModel } from './open-model.ts';

export interface OpenedModels {
  /** By name, versions from the lowest to the highest. */
  readonly models: readonly { readonly found: FoundBundle; readonly opened: OpenedModel }[];
  readonly defaultName: string;
  /** Where they lie, and others may be put beside them. */
  readonly source: ModelSource;
  /** They lie in a folder of models, however many there are. */
  readonly isFolder: boolean;
}

/**
 * Verifies every bundle that a path names. AppError as `findBundles` and `openModel`, or `config_invalid`
 * where the configuration speaks of models that are not there, or names none of several.
 */
export async function openModels(
  dir: string,
  config: Config,
  { logger, verbose }: { readonly logger: Logger; readonly verbose: boolean },
): Promise<OpenedModels> {
  const { bundles, others } = await findBundles(dir);
  const isFolder = bundles.every(({ name }) => name !== undefined);
  if (isFolder) nameDefault(dir, config, namesOf(bundles));
  for (const folder of others) logger.warn('a folder without a bundle is passed over', { folder });
  const models: { found: FoundBundle; opened: OpenedModel }[] = [];
  for (const found of highest(bundles, config.models.versions)) {
    models.push({ found, opened: await openModel(found, config, verbose) });
  }
  const names = models.map(({ opened }) => opened.model.name);
  const source = isFolder ? folderOfModels(dir) : oneBundle(dir);
  return { models, source, isFolder, defaultName: nameDefault(dir, config, names) };
}

/** Of each name the so many highest versions, or all. */
export function highest(bundles: readonly FoundBundle[], versions: number | null): FoundBundle[] {
  if (versions === null) return [...bundles];
  return namesOf(bundles).flatMap((name) =>
    bundles
      .filter((one) => one.name === name)
      .sort((a, b) => compareVersions(a.version ?? '', b.version ?? ''))
      .slice(-versions),
  );
}

/** The default model of these. AppError `config_invalid` with all that is wrong. */
function nameDefault(dir: string, { models, run }: Config, names: readonly string[]): string {
  const known = [...new Set(names)];
  const listed = `one of ${known.join(', ')} (those in ${dir})`;
  const problems = new Problems();
  for (const name of Object.keys(models.settings)) {
    if (known.includes(name)) continue;
    problems.reject(`models.settings has the model ${JSON.stringify(name)}: expected ${listed}`);
  }
  const usual = known.length > 1 ? run.name : known[0];
  const named = models.default_model ?? usual ?? '';
  if (!known.includes(named)) {
    if (models.default_model !== null) problems.rejectValue('models.default_model', named, listed);
    else problems.reject(`models.default_model is missing: expected ${listed}`);
  }
  problems.throwIfAny();
  return named;
}

function namesOf(bundles: readonly FoundBundle[]): string[] {
  return [...new Set(bundles.map(({ name = '' }) => name))];
}
