import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { hubSettings } from '../../../training/hub/settings.ts';

describe('the settings of a hub', () => {
  it('have a cache of their own and are online by default', () => {
    expect(hubSettings({})).toEqual({
      endpoint: 'https://huggingface.co',
      cache: join(homedir(), '.cache/mbti-onnx/hub'),
      offline: false,
      token: undefined,
    });
  });

  it('follow the variables of Hugging Face’s tools', () => {
    const env = {
      HF_ENDPOINT: 'http://mirror/',
      HF_HOME: '/h',
      HF_HUB_OFFLINE: '1',
      HF_TOKEN: 't',
    };
    expect(hubSettings(env)).toEqual({
      endpoint: 'http://mirror',
      cache: join('/h', 'hub'),
      offline: true,
      token: 't',
    });
    expect(hubSettings({ ...env, HF_HUB_CACHE: '/c', HF_HUB_OFFLINE: '0' })).toMatchObject({
      cache: '/c',
      offline: false,
    });
  });

  it('refuse an endpoint that is no address', () => {
    expect(() => hubSettings({ HF_ENDPOINT: 'mirror' })).toThrow(/HF_ENDPOINT is mirror/);
  });

  it('take a token without the line end behind it, and refuse one that no header can hold unseen', () => {
    expect(hubSettings({ HF_TOKEN: 'hf_1\n' }).token).toBe('hf_1');
    expect(() => hubSettings({ HF_TOKEN: 'hf_1\nhf_2' })).toThrow(
      /^HF_TOKEN is no token: expected printable ASCII, no spaces$/,
    );
  });
});
