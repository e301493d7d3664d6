import { addedTokens, TokenFinder } from './added-tokens.ts';
import { refuseBoundless } from './boundless.ts';
import { build } from './component.ts';
import { CHUNK, type Chunk, chunker } from './cuts.ts';
import type { JsonPlace } from './json-place.ts';
import { buildModel, type Model } from './models.ts';
import { type Normalizer, normalizers } from './normalizers.ts';
import { type PreTokenizer, preTokenizers } from './pre-tokenizers.ts';
import { type Template, template } from './template.ts';

const asItIs: Normalizer = (text) => text;
const inOnePiece: PreTokenizer = (text) => [text];

/** A `tokenizer.json`, from text to ids: added tokens, normalizer, pre-tokenizer, model. */
export class Pipeline {
  /** The id of what the model does not know; byte-level vocabularies know everything. */
  readonly unk: number | undefined;
  /** Undefined where the file does not say what stands around a text. */
  readonly template: Template | undefined;
  readonly #model: Model;
  readonly #addedIds: ReadonlyMap<string, number>;
  readonly #addedTokens: ReadonlyMap<number, string>;
  readonly #normalize: Normalizer;
  readonly #preTokenize: PreTokenizer;
  readonly #chunks: (text: string) => Iterable<Chunk>;
  readonly #raw: TokenFinder;
  readonly #normalized: TokenFinder;

  /**
   * AppError `data_invalid` names whatever would give other ids than the Rust library.
   *
   * @param chunk code units of text that are tokenized at a time, at least; no id depends on it
   */
  constructor(file: JsonPlace, chunk = CHUNK) {
    const version = file.get('version');
    if (!version.isAbsent && version.value !== '1.0') throw version.expected('"1.0"');
    refuseBoundless(file);
    const [normalizer, preTokenizer] = [file.get('normalizer'), file.get('pre_tokenizer')];
    this.#normalize = normalizer.isAbsent ? asItIs : build(normalizers, normalizer);
    this.#preTokenize = preTokenizer.isAbsent ? inOnePiece : build(preTokenizers, preTokenizer);
    requireKnownStart(normalizer, preTokenizer);
    this.#model = buildModel(file.get('model'));
    this.unk = this.#model.unk;
    this.template = template(file.get('post_processor'));
    const tokens = file.get('added_tokens');
    const added = addedTokens(tokens, this.#model);
    this.#addedIds = new Map(added.map(({ content, id }) => [content, id]));
    // Of tokens that share an id the first one speaks for it.
    this.#addedTokens = new Map(
      added.map(({ content, id }) => [id, content] as const).toReversed(),
    );
    const normalized = added.filter((token) => token.normalized);
    const raw = added.filter((token) => !token.normalized);
    this.#raw = new TokenFinder(raw, asItIs, tokens);
    this.#normalized = new TokenFinder(normalized, this.#normalize, tokens);
    const normalize = this.#normalize;
    this.#chunks = chunker({ normalizer, preTokenizer, tokens: normalized, normalize }, chunk);
  }

  /** The id of a token, added ones first. */
  idOf(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.#model.ids.get(token);
  }

  tokenOf(id: number): string | undefined {
    return this.#model.tokens[id] ?? this.#addedTokens.get(id);
  }

  get largestId(): number {
    let most = this.#model.tokens.length - 1;
    for (const id of this.#addedTokens.keys()) most = Math.max(most, id);
    return most;
  }

  /** The first `atMost` ids: little more of the text is looked at than they stand for, where it can be cut. */
  encode(text: string, atMost = Number.POSITIVE_INFINITY): number[] {
    const ids: number[] = [];
    for (const section of this.#sections(text)) {
      if (typeof section === 'number') ids.push(section);
      else {
        for (const word of section) {
          for (const id of this.#model.encode(word)) ids.push(id);
          if (ids.length >= atMost) break;
        }
      }
      if (ids.length >= atMost) return ids.slice(0, atMost);
    }
    return ids;
  }

  /** The words that the model looks up. */
  words(text: string): string[] {
    return [...this.#sections(text)].flatMap((section) =>
      typeof section === 'number' ? [] : section,
    );
  }

  /** Ids of added tokens, and the words of what stands between them. */
  *#sections(text: string): Generator<number | readonly string[]> {
    for (const section of this.#raw.split(text)) {
      if (typeof section === 'number') {
        yield section;
        continue;
      }
      for (const chunk of this.#chunks(section.text)) {
        for (const part of this.#normalized.split(this.#normalize(chunk.text, chunk))) {
          yield typeof part === 'number'
            ? part
            : this.#words(part.text, section.start === 0 && chunk.start && part.start === 0);
        }
      }
    }
  }

  #words(normalized: string, isStart: boolean): readonly string[] {
    return this.#preTokenize(normalized, isStart).filter((word) => word !== '');
  }
}

/** What can take a text's first characters away: the library then no longer holds the text's start for its start. */
const takesStart: ReadonlySet<unknown> = new Set([
  'BertNormalizer',
  'Nmt',
  'Precompiled',
  'Strip',
  'StripAccents',
]);

/** AppError `data_invalid` for the scheme "first" where normalizing may move the start that it is about. */
function requireKnownStart(normalizer: JsonPlace, preTokenizer: JsonPlace): void {
  if (normalizer.isAbsent || !prependsToFirst(preTokenizer)) return;
  const nested = normalizer.get('normalizers');
  for (const place of nested.isAbsent ? [normalizer] : nested.list()) {
    if (!nested.isAbsent) requireKnownStart(place, preTokenizer);
    const { type, content } = place.object();
    if (!takesStart.has(type) && !(type === 'Replace' && content === '')) continue;
    throw preTokenizer.refused(
      `Metaspace with the scheme "first" after the normalizer ${String(type)}, which is not honoured`,
      'write the scheme as "always" if that is what the model was trained with',
    );
  }
}

function prependsToFirst(preTokenizer: JsonPlace): boolean {
  if (preTokenizer.isAbsent) return false;
  if (preTokenizer.get('prepend_scheme').value === 'first') return true;
  const nested = preTokenizer.get('pretokenizers');
  return !nested.isAbsent && nested.list().some(prependsToFirst);
}
