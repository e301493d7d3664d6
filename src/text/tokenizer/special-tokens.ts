import { AppError } from '../../errors.ts';
import { shown } from '../../files/index.ts';
import type { JsonPlace } from './json-place.ts';
import type { Pipeline } from './pipeline.ts';

/** A role's key in tokenizer_config.json and special_tokens_map.json, and its usual names. */
const roles = {
  cls: { key: 'cls_token', usual: ['[CLS]', '<s>'] },
  sep: { key: 'sep_token', usual: ['[SEP]', '</s>'] },
  pad: { key: 'pad_token', usual: ['[PAD]', '<pad>'] },
  unk: { key: 'unk_token', usual: [] },
} as const;

export type Role = keyof typeof roles;
type JsonObject = Record<string, unknown>;

export interface SpecialToken {
  readonly id: number;
  readonly token: string;
}

/** The special tokens by role. `unk` is missing where the vocabulary knows everything. */
export interface SpecialTokens extends Readonly<Record<Exclude<Role, 'unk'>, SpecialToken>> {
  readonly unk: SpecialToken | undefined;
}

/** The files beside tokenizer.json, in the order in which they are asked. */
export interface Named {
  readonly config: JsonObject;
  readonly map: JsonObject;
}

const TEMPLATE_HINT =
  'windows of a long text are wrapped one by one: the post-processor must put one token before a text and one after it';

/**
 * What the post-processor puts around a text, and otherwise what tokenizer_config.json, special_tokens_map.json or
 * the file itself names. AppError `data_invalid`.
 */
export function specialTokens(file: JsonPlace, pipeline: Pipeline, named: Named): SpecialTokens {
  const byId = (id: number | undefined, place: JsonPlace): SpecialToken | undefined => {
    if (id === undefined) return undefined;
    const token = pipeline.tokenOf(id);
    if (token !== undefined) return { id, token };
    throw place.refused(`about the id ${id}, which no token has`);
  };
  const byName = (role: Role): SpecialToken | undefined => namedToken(role, pipeline, named, file);
  const { template } = pipeline;
  const around = file.get('post_processor');
  if (template && (template.before.length !== 1 || template.after.length !== 1)) {
    throw around.refused(
      `a template with ${template.before.length} tokens before a text and ${template.after.length} after it`,
      TEMPLATE_HINT,
    );
  }
  const padding = file.get('padding');
  const padId = padding.isAbsent ? undefined : padding.get('pad_id');
  return {
    cls: byId(template?.before[0], around) ?? required('cls', byName('cls'), file),
    sep: byId(template?.after[0], around) ?? required('sep', byName('sep'), file),
    pad:
      byName('pad') ??
      required(
        'pad',
        padId && !padId.isAbsent ? byId(Number(padId.value), padId) : undefined,
        file,
      ),
    unk: byId(pipeline.unk, file) ?? byName('unk'),
  };
}

/** tokenizer_config.json with the special tokens in it: all that a server needs beside tokenizer.json. */
export function configWith(config: JsonObject, tokens: SpecialTokens): JsonObject {
  const named = Object.entries(roles).flatMap(([role, { key }]) => {
    const found = tokens[role as Role];
    return found && contentOf(config[key]) !== found.token ? [[key, found.token] as const] : [];
  });
  return { ...config, ...Object.fromEntries(named) };
}

/** A post-processor that puts cls and sep around a text, behind the one that is there. */
export function postProcessorWith(present: unknown, { cls, sep }: SpecialTokens): JsonObject {
  const special = ({ token }: SpecialToken, typeId: number) => ({
    SpecialToken: { id: token, type_id: typeId },
  });
  const sequence = (id: 'A' | 'B', typeId: number) => ({ Sequence: { id, type_id: typeId } });
  const single = [special(cls, 0), sequence('A', 0), special(sep, 0)];
  const around = {
    type: 'TemplateProcessing',
    single,
    pair: [...single, sequence('B', 1), special(sep, 1)],
    special_tokens: Object.fromEntries(
      [cls, sep].map(({ id, token }) => [token, { id: token, ids: [id], tokens: [token] }]),
    ),
  };
  return present ? { type: 'Sequence', processors: [present, around] } : around;
}

/** A token is named by a string or by an added token's object. */
function contentOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('content' in value)) return undefined;
  return typeof value.content === 'string' ? value.content : undefined;
}

function namedToken(
  role: Role,
  pipeline: Pipeline,
  { config, map }: Named,
  { origin }: JsonPlace,
): SpecialToken | undefined {
  const { key, usual } = roles[role];
  const name = contentOf(config[key]) ?? contentOf(map[key]);
  const token = name ?? usual.find((usualName) => pipeline.idOf(usualName) !== undefined);
  if (token === undefined) return undefined;
  const id = pipeline.idOf(token);
  if (id !== undefined) return { id, token };
  throw new AppError(
    'data_invalid',
    `${origin}: the vocabulary lacks the ${role} token ${shown(token)}`,
    {
      hint: `name the token that it has as "${key}" in tokenizer_config.json`,
    },
  );
}

function required(
  role: Exclude<Role, 'unk'>,
  found: SpecialToken | undefined,
  { origin }: JsonPlace,
): SpecialToken {
  if (found) return found;
  const { key, usual } = roles[role];
  throw new AppError(
    'data_invalid',
    `${origin}: no ${role} token is named, and the vocabulary has neither ${usual.join(' nor ')}`,
    { hint: `name the token that it has as "${key}" in tokenizer_config.json` },
  );
}
