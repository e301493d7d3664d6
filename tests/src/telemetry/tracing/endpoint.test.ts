import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../../src/config/index.ts';
import { tracesEndpoint } from '../../../../src/telemetry/tracing/endpoint.ts';

/** Of a configuration and an environment. */
function endpointOf(key: string | null, env: Readonly<Record<string, string>> = {}) {
  const { config } = loadConfig({ overrides: [`telemetry.traces.endpoint=${key}`], env: {} });
  return tracesEndpoint(config, env);
}

const all = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const ofTraces = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

describe('the endpoint of traces', () => {
  it.each([
    ['nowhere by default', null, {}, undefined],
    ['the key, as it is', 'https://a.example/otlp?x=1', {}, 'https://a.example/otlp?x=1'],
    ['the key, completed', 'http://a:4318', {}, 'http://a:4318/v1/traces'],
    ['the key before variables', 'http://a/t', { [all]: 'http://b' }, 'http://a/t'],
    ['the variable of all signals', null, { [all]: 'http://b:1' }, 'http://b:1/v1/traces'],
    ['that, below its path', null, { [all]: 'http://b/x/' }, 'http://b/x/v1/traces'],
    ['that of traces before', null, { [all]: 'http://b', [ofTraces]: 'http://c/t' }, 'http://c/t'],
    ['nowhere where it is empty', null, { [all]: '' }, undefined],
    ['nowhere where the SDK is off', 'http://a', { OTEL_SDK_DISABLED: 'TRUE' }, undefined],
    ['nowhere where traces are', 'http://a', { OTEL_TRACES_EXPORTER: 'none' }, undefined],
  ])('is %s', (_name, key, env, expected) => {
    expect(endpointOf(key, env)).toBe(expected);
  });

  it.each([
    ['localhost:4318', all],
    ['grpc://b:4317', ofTraces],
  ])('may not be %s', (value, name) => {
    expect(() => endpointOf(null, { [name]: value })).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(name) }),
    );
  });
});
