import { homedir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../src/errors.ts';

export interface HubSettings {
  readonly endpoint: string;
  /** The cache, in the layout of Hugging Face's own tools, which share it where HF_HOME is set. */
  readonly cache: string;
  /** Nothing is asked of the network. */
  readonly offline: boolean;
  readonly token: string | undefined;
}

/**
 * From the variables that Hugging Face's tools know: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE,
 * HF_HUB_OFFLINE, HF_TOKEN.
 */
export function hubSettings(env: NodeJS.ProcessEnv = process.env): HubSettings {
  const home = env.HF_HOME ? join(env.HF_HOME, 'hub') : join(homedir(), '.cache/mbti-onnx/hub');
  const endpoint = (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new AppError('config_invalid', `HF_ENDPOINT is ${endpoint}: expected an http(s) address`);
  }
  const token = env.HF_TOKEN?.trim() || undefined;
  if (token !== undefined && !/^[!-~]+$/.test(token)) {
    throw new AppError(
      'config_invalid',
      'HF_TOKEN is no token: expected printable ASCII, no spaces',
    );
  }
  return {
    endpoint,
    cache: env.HF_HUB_CACHE || home,
    offline: /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? ''),
    token,
  };
}
