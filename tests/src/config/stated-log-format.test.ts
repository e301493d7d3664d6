import { describe, expect, it } from '@jest/globals';
import { statedLogFormat } from '../../../src/config/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const json = folder.write('json.json', '{"log":{"format":"json"},"server":{"prt":1}}');
const broken = folder.write('broken.json', '{"log":{"format":"json"}');

describe('the format of the log, of a configuration that is not valid', () => {
  it('is read from files, environment and command line, the later before the former', () => {
    const env = { MBTI_LOG_FORMAT: 'pretty', MBTI_SERVER_WTCH: '1' };
    const overrides = ['log.format=auto', 'nonsense', 'server.port=x'];
    expect(statedLogFormat({ file: json, env: {} })).toBe('json');
    expect(statedLogFormat({ file: json, env })).toBe('pretty');
    expect(statedLogFormat({ file: json, env, overrides })).toBe('auto');
  });

  it('is what was said before where the later is none', () => {
    const overrides = ['log.format=jsn'];
    expect(statedLogFormat({ file: json, env: {}, overrides })).toBe('json');
  });

  it('is unknown where nothing can be read', () => {
    expect(statedLogFormat({ env: {} })).toBeUndefined();
    expect(statedLogFormat({ file: broken, env: {} })).toBeUndefined();
    expect(statedLogFormat({ file: 'none.json', env: {} })).toBeUndefined();
  });
});
