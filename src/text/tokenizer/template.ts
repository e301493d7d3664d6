import { build, type ComponentTable, component, list, withoutEffect } from './component.ts';
import type { JsonPlace } from './json-place.ts';
import { LARGEST_ID } from './vocabulary.ts';

/** What a post-processor puts around the ids of one text. */
export interface Template {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const bare: Template = { before: [], after: [] };

const id = (place: JsonPlace): number => place.integer(LARGEST_ID);

/** `["[CLS]", 101]`. */
function namedId(place: JsonPlace): number {
  const [name, number, ...more] = place.list();
  if (!name || !number || more.length > 0) throw place.expected('a token and its id');
  name.string();
  return id(number);
}

const aroundOne = ({ cls, sep }: { readonly cls: number; readonly sep: number }): Template => ({
  before: [cls],
  after: [sep],
});

/** The first processor is the innermost. */
const nested = (templates: readonly Template[]): Template =>
  templates.reduce(
    (inner, { before, after }) => ({
      before: [...before, ...inner.before],
      after: [...inner.after, ...after],
    }),
    bare,
  );

function singleTemplate(pieces: readonly JsonPlace[], tokens: JsonPlace): Template {
  const sides: number[][] = [[]];
  for (const piece of pieces) {
    const [special, sequence] = [piece.get('SpecialToken'), piece.get('Sequence')];
    if (!special.isAbsent) {
      const ids = tokens.get(special.get('id').string()).get('ids').list().map(id);
      sides.at(-1)?.push(...ids);
    } else if (sequence.get('id').string() === 'A') {
      sides.push([]);
    } else {
      throw sequence.expected('the sequence A');
    }
  }
  const [before, after, ...more] = sides;
  if (before && after && more.length === 0) return { before, after };
  throw tokens.refused('of a template for one text that does not hold the text once');
}

/** The post-processors that are honoured, with their attributes: for one text. */
export const postProcessors: ComponentTable<Template> = {
  BertProcessing: component({ cls: namedId, sep: namedId }, aroundOne),
  ByteLevel: component(
    { add_prefix_space: withoutEffect, trim_offsets: withoutEffect, use_regex: withoutEffect },
    () => bare,
  ),
  RobertaProcessing: component(
    { cls: namedId, sep: namedId, trim_offsets: withoutEffect, add_prefix_space: withoutEffect },
    aroundOne,
  ),
  Sequence: component(
    { processors: list((place: JsonPlace): Template => build(postProcessors, place)) },
    ({ processors }) => nested(processors),
  ),
  TemplateProcessing: component(
    {
      single: (place: JsonPlace) => place.list(),
      pair: withoutEffect,
      special_tokens: (place: JsonPlace) => place,
    },
    ({ single, special_tokens: tokens }) => singleTemplate(single, tokens),
  ),
};

/** What stands around a text; undefined where the file does not say. */
export function template(place: JsonPlace): Template | undefined {
  if (place.isAbsent) return undefined;
  const around = build(postProcessors, place);
  return around.before.length + around.after.length === 0 ? undefined : around;
}
