import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';

const load = (env: NodeJS.ProcessEnv) => loadConfig({ env }).config;
/** What the loader says of these variables; empty where it takes them. */
const complaint = (env: NodeJS.ProcessEnv): string => {
  try {
    load(env);
    return '';
  } catch (error) {
    return String(error);
  }
};

/** What Kubernetes sets in every pod beside a Service with a named port. */
const service = (name: string): NodeJS.ProcessEnv => ({
  [`${name}_SERVICE_HOST`]: '10.96.12.7',
  [`${name}_SERVICE_PORT`]: '8000',
  [`${name}_SERVICE_PORT_HTTP`]: '8000',
  [`${name}_PORT`]: 'tcp://10.96.12.7:8000',
  [`${name}_PORT_8000_TCP`]: 'tcp://10.96.12.7:8000',
  [`${name}_PORT_8000_TCP_PROTO`]: 'tcp',
  [`${name}_PORT_8000_TCP_PORT`]: '8000',
  [`${name}_PORT_8000_TCP_ADDR`]: '10.96.12.7',
});

describe('a variable of no key', () => {
  it.each([
    ['MBTI_SERVER_WTCH', 'MBTI_SERVER_WATCH'],
    ['MBTI_SERVER_PORTT', 'MBTI_SERVER_PORT'],
    ['MBTI_WATCH', 'MBTI_SERVER_WATCH'],
    ['MBTI_PORT', 'MBTI_SERVER_PORT'],
    ['MBTI_TELEMETRY_TRACES_ENDPONT', 'MBTI_TELEMETRY_TRACES_ENDPOINT'],
    ['MBTI_QUEUE__MAX_DEPTH', 'MBTI_QUEUE_MAX_DEPTH'],
    ['MBTI_SERVICE_PORT', 'MBTI_SERVER_PORT'],
    ['MBTI_server_port', 'MBTI_SERVER_PORT'],
  ])('%s is refused: perhaps %s was meant', (name, meant) => {
    expect(complaint({ [name]: '1' })).toContain(
      `${name} is the variable of no key (environment); did you mean ${meant}?`,
    );
  });

  it('is refused together with all other problems', () => {
    const said = complaint({ MBTI_FROBNICATE: 'x', MBTI_: 'x', MBTI_SERVER_PORT: 'x' });
    expect(said).toMatch(/MBTI_FROBNICATE is the variable of no key \(environment\)\n/);
    expect(said).toContain('MBTI_ is the variable of no key');
    expect(said).toContain('server.port is "x" (MBTI_SERVER_PORT): expected an integer');
    expect(said).toContain('3 problems');
  });

  it('counts as not set where it is empty, as any other', () => {
    expect(complaint({ MBTI_SERVER_WTCH: '', MBTI_SERVER_PORT: '' })).toBe('');
  });

  it('is nobody’s business without the prefix', () => {
    expect(complaint({ MBTIX: '1', XMBTI_SERVER_WTCH: '1', mbti_server_wtch: '1' })).toBe('');
  });
});

describe('variables that Kubernetes sets', () => {
  it.each(['MBTI', 'MBTI_ONNX', 'MBTI_2', 'MBTI_SERVER'])(
    'for a Service %s break no configuration',
    (name) => {
      expect(complaint(service(name))).toBe('');
      expect(load({ ...service(name), MBTI_QUEUE_MAX_DEPTH: '3' }).queue.max_depth).toBe(3);
    },
  );

  it('are known each by itself where only a Service has such a one', () => {
    for (const [name, value] of Object.entries(service('MBTI_ONNX'))) {
      if (name === 'MBTI_ONNX_SERVICE_PORT') continue;
      expect([name, complaint({ [name]: value })]).toEqual([name, '']);
    }
  });

  it('may be of IPv6 and of other protocols', () => {
    const env = {
      MBTI_SERVICE_HOST: 'fd00::7',
      MBTI_PORT: 'udp://[fd00::7]:53',
      MBTI_PORT_53_UDP: 'udp://[fd00::7]:53',
      MBTI_PORT_53_UDP_PROTO: 'udp',
      MBTI_PORT_53_SCTP_ADDR: 'fd00::7',
    };
    expect(complaint(env)).toBe('');
  });

  it.each([
    ['MBTI_ONNX_SERVICE_HOST', 'localhost:8000'],
    ['MBTI_SERVICE_PORT_HTTP', 'http'],
    ['MBTI_PORT', '8000'],
    ['MBTI_PORT_8000_TCP', '8000'],
    ['MBTI_PORT_8000_TCP_PROTO', 'http'],
    ['MBTI_SERVER_PORT_', 'tcp://10.0.0.1:8000'],
  ])('are not %s=%s', (name, value) => {
    expect(complaint({ [name]: value })).toContain(`${name} is the variable of no key`);
  });
});
