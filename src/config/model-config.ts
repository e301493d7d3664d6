import type { Config, RawConfig } from './config.ts';
import type { Problems } from './problems.ts';
import type { ModelSettings } from './schema-models.ts';

export const DEFAULT_MAX_TEXTS = 128;

/** The configuration of one model of a server: its own settings before everybody's. */
export function modelConfig(config: Config, name: string): Config {
  const { settings } = config.models;
  const own = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (!own) return config;
  const maxTexts = own.limits?.max_texts ?? config.limits.max_texts;
  return {
    ...config,
    runtime: { ...config.runtime, ...own.runtime },
    server: { ...config.server, ...own.server },
    queue: { ...config.queue, ...own.queue },
    limits: { ...config.limits, ...own.limits, max_texts: maxTexts },
    drift: { ...config.drift, ...own.drift },
  };
}

/** Gives every model with settings its `limits.max_texts`, and collects those that no queue can hold. */
export function resolveSettings(raw: RawConfig, problems: Problems): ModelSettings {
  const resolved = Object.entries(raw.models.settings).map(([name, own]) => {
    const depth = own.queue?.max_depth ?? raw.queue.max_depth;
    const wanted = own.limits?.max_texts ?? raw.limits.max_texts;
    if (wanted !== null && wanted > depth) {
      problems.rejectValue(
        `models.settings.${name}.limits.max_texts`,
        wanted,
        `its queue.max_depth (${depth}) at most`,
      );
    }
    const max_texts = wanted ?? Math.min(DEFAULT_MAX_TEXTS, depth);
    return [name, { ...own, limits: { ...own.limits, max_texts } }];
  });
  return Object.fromEntries(resolved);
}
