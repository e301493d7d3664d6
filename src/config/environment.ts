import { isIP } from 'node:net';
import { type Assignment, fromWord } from './assignments.ts';
import { type Problems, shownPath } from './problems.ts';
import { environmentVariable, keys } from './schema.ts';
import { suggest } from './suggest.ts';

const PREFIX = 'MBTI_';

/** Variables with our prefix that are no keys: what this project's slow tests are told. */
const ofTests =
  /^MBTI_(LONG|OPTIMUM_PYTHON|CLIENTS_PYTHON|MINILM_DIR|REVIEWS_CSV|FAULTS_(HOSTILE|OVERLOAD_SECONDS|KILLS|RELOADS|SOAK_SECONDS))$/;

const pathOf: ReadonlyMap<string, string> = new Map(
  [...keys.keys()].map((path) => [environmentVariable(path), path]),
);

/**
 * The assignments of the environment, each word read by its key's format. A variable that is set to
 * nothing counts as not set, whatever its name. One with our prefix that belongs to no key is a problem.
 */
export function fromEnvironment(env: NodeJS.ProcessEnv, problems: Problems): Assignment[] {
  const folder = process.cwd();
  return Object.entries(env).flatMap(([name, word = '']): Assignment[] => {
    if (!name.startsWith(PREFIX) || word === '') return [];
    if (isOfKubernetes(name, word, env)) return [];
    const path = pathOf.get(name);
    const key = path === undefined ? undefined : keys.get(path);
    if (path !== undefined && key) {
      return fromWord(key, word, { path, origin: name, folder }, problems);
    }
    if (!ofTests.test(name)) problems.reject(() => unknownVariable(name));
    return [];
  });
}

function unknownVariable(name: string): string {
  const asVariable = (path: string) => path.replaceAll('.', '_');
  const near = suggest(name.slice(PREFIX.length).toLowerCase(), keys.keys(), asVariable);
  const hint = near === undefined ? '' : `; did you mean ${environmentVariable(near)}?`;
  return `${shownPath(name)} is the variable of no key (environment)${hint}`;
}

/** `tcp://10.0.0.1:8000`, where a service listens. */
const SERVICE_URL = /^(tcp|udp|sctp):\/\/(\[[\da-f:.]+\]|[^\s:/]+):\d{1,5}$/i;
const isUrl = (word: string) => SERVICE_URL.test(word);
const isAddress = (word: string) => isIP(word) !== 0;
const isPort = (word: string) => /^\d{1,5}$/.test(word);
const isProtocol = (word: string) => /^(tcp|udp|sctp)$/i.test(word);

/** How a variable of a service ends, and what its values look like. */
const serviceVariables: readonly (readonly [end: RegExp, is: (word: string) => boolean])[] = [
  [/_SERVICE_HOST$/, isAddress],
  [/_SERVICE_PORT_[A-Z0-9_]+$/, isPort],
  [/_PORT_\d+_(TCP|UDP|SCTP)$/, isUrl],
  [/_PORT_\d+_(TCP|UDP|SCTP)_ADDR$/, isAddress],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PORT$/, isPort],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PROTO$/, isProtocol],
  [/_PORT$/, isUrl],
];

/**
 * Whether Kubernetes has set a variable for a Service whose name begins with `mbti`: by the name's end
 * and the value together. The Service `mbti-server` has MBTI_SERVER_PORT=tcp://…, which no port is.
 * Source: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
function isOfKubernetes(name: string, word: string, env: NodeJS.ProcessEnv): boolean {
  if (serviceVariables.some(([end, is]) => end.test(name) && is(word))) return true;
  const [, service] = /^(.*)_SERVICE_PORT$/.exec(name) ?? [];
  if (service === undefined || !isPort(word)) return false;
  // A slip of the pen for MBTI_SERVER_PORT looks the same; a service's address stands beside its port.
  return isAddress(env[`${service}_SERVICE_HOST`] ?? '') || isUrl(env[`${service}_PORT`] ?? '');
}
