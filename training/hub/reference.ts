import { AppError } from '../../src/errors.ts';

/** A model of a hub: `hf:org/repo@revision`. */
export interface HubReference {
  /** `org/repo`, or `repo` for the oldest models. */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

const PREFIX = 'hf:';
const name = /^[A-Za-z0-9][\w.-]*$/;

export const isHubReference = (text: string): boolean => text.startsWith(PREFIX);

/** AppError `config_invalid` for what is no such reference. */
export function hubReference(text: string): HubReference {
  const at = text.indexOf('@');
  const repo = text.slice(PREFIX.length, at < 0 ? undefined : at);
  const revision = at < 0 ? 'main' : text.slice(at + 1);
  const parts = repo.split('/');
  const sound = [...parts, ...revision.split('/')].every(
    (part) => name.test(part) && !part.includes('..'),
  );
  if (isHubReference(text) && parts.length <= 2 && sound) return { repo, revision };
  throw new AppError(
    'config_invalid',
    `"${text}" is no model of a hub: expected hf:org/repo[@revision]`,
    {
      hint: 'for example hf:distilbert/distilbert-base-uncased',
    },
  );
}

/** The reference as a user writes it. */
export const referenceText = ({ repo, revision }: HubReference): string =>
  `${PREFIX}${repo}@${revision}`;
