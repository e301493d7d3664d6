import type { AppDeps } from '../deps.ts';
import { serverState } from '../models.ts';

/** Paths, and patterns of routes, that machines ask every few seconds: probes and scrapes. */
const probes =
  /^\/(metrics|health(\/(live|ready))?|v2\/(health\/(live|ready)|models\/[^/]+(\/versions\/[^/]+)?\/ready))$/;

export function isProbe(path: string): boolean {
  return probes.test(path);
}

/** How much a request matters to who reads the log. */
export function levelOf(deps: AppDeps, route: string, status: number): 'debug' | 'info' | 'warn' {
  const isQuiet = isProbe(route) && (status < 400 || isExpectedRefusal(deps, status));
  if (isQuiet) return 'debug';
  return status >= 500 ? 'warn' : 'info';
}

/** Readiness says no while a server starts and while it drains: that is what it is asked for. */
function isExpectedRefusal(deps: AppDeps, status: number): boolean {
  if (status !== 503) return false;
  const states = [serverState(deps), deps.state()];
  return states.some((state) => state === 'starting' || state === 'draining');
}
