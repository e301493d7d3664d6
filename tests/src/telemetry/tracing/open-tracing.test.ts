import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../../../src/package-root.ts';

/** Packages of OpenTelemetry that a process has loaded once it has opened traces; the server is loaded too. */
function loadedWith(endpoint: string | null): string[] {
  const script = `
    import { createRequire } from 'node:module';
    import './dist/src/server.js';
    import { loadConfig } from './dist/src/config/index.js';
    import { openTracing } from './dist/src/telemetry/index.js';
    const overrides = ['telemetry.traces.endpoint=${endpoint}'];
    await openTracing(loadConfig({ overrides, env: {} }).config, console, {});
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    const names = loaded.map((file) => /@opentelemetry.([\\w-]+)/.exec(file)?.[1]);
    console.log(JSON.stringify([...new Set(names)].filter((name) => name)));
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { cwd: packageRoot, env: { ...process.env, NODE_OPTIONS: '' }, encoding: 'utf8' },
  );
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('openTracing', () => {
  it('loads the SDK where an endpoint is named, and nothing of it else', () => {
    expect(loadedWith('http://localhost:4318')).toEqual(
      expect.arrayContaining(['sdk-trace-base', 'exporter-trace-otlp-http', 'resources']),
    );
    // prom-client loads the interfaces by itself.
    expect(loadedWith(null).filter((name) => name !== 'api')).toEqual([]);
  });
});
