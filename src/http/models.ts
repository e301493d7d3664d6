import type { ModelStatus, ServerState } from '../models/index.ts';
import type { AppDeps } from './deps.ts';

/** Every model of the server; the app's own alone where it knows of no other. */
export function modelsOf(deps: AppDeps): readonly ModelStatus[] {
  if (deps.models) return deps.models();
  const { model, limits } = deps;
  // Read when they are asked for: documents are made of the model alone.
  return [
    {
      model,
      limits,
      isDefault: true,
      get state() {
        return deps.state();
      },
      get workers() {
        return deps.workersUp();
      },
      get queueDepth() {
        return deps.scheduler.depth;
      },
    },
  ];
}

/** The states from the one that says most of a server that has a model in it. */
const states: readonly ServerState[] = ['draining', 'starting', 'unavailable', 'ok'];

/** That of the server: `ok` where all its models are, `starting` where it has none. */
export function serverState(deps: AppDeps): ServerState {
  const found = new Set(modelsOf(deps).map(({ state }) => state));
  return states.find((state) => found.has(state)) ?? 'starting';
}

/** Of a name, from the lowest to the highest. */
export function versionsOf(deps: AppDeps, name: string): string[] {
  return modelsOf(deps).flatMap(({ model }) => (model.name === name ? [model.version] : []));
}

const modelPath =
  /^(?:https?:\/\/[^/?#]*)?\/(?:v2\/(?:repository\/)?)?models\/(?<name>[^/?#]+)(?:\/versions\/(?<version>[^/?#]+))?/;

/** The model that a request's URL names; undefined where it names none. */
export function modelInUrl(
  url: string,
): { readonly name: string; readonly version?: string } | undefined {
  const { name, version } = modelPath.exec(url)?.groups ?? {};
  if (name === undefined) return undefined;
  try {
    if (version === undefined) return { name: decodeURIComponent(name) };
    return { name: decodeURIComponent(name), version: decodeURIComponent(version) };
  } catch {
    // The app answers it with 400.
    return undefined;
  }
}
