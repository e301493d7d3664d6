import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import { type JsonObject, readJsonFile } from '../files/index.ts';
import { JsonPlace } from './tokenizer/json-place.ts';
import { Pipeline } from './tokenizer/pipeline.ts';
import {
  configWith,
  type Named,
  postProcessorWith,
  type SpecialTokens,
  specialTokens,
} from './tokenizer/special-tokens.ts';

/** Bytes: twice the largest that is known. */
const LARGEST_FILE = 64 * 2 ** 20;

/** No id equals it. */
const NO_ID = -1;

/** A Hugging Face `tokenizer.json`: text in, ids without special tokens out, those of the Rust library. */
export class TextTokenizer {
  readonly clsId: number;
  readonly sepId: number;
  readonly padId: number;
  /** No id at all where the vocabulary knows everything, as byte-level ones do. */
  readonly unkId: number;
  /** One more than the largest id: the rows that an embedding needs. */
  readonly vocabularySize: number;
  readonly #pipeline: Pipeline;
  readonly #special: SpecialTokens;
  readonly #config: JsonObject;

  private constructor(file: JsonPlace, named: Named) {
    const pipeline = new Pipeline(file);
    this.#special = specialTokens(file, pipeline, named);
    this.#pipeline = pipeline;
    this.#config = { ...named.config };
    const { cls, sep, pad, unk } = this.#special;
    this.clsId = cls.id;
    this.sepId = sep.id;
    this.padId = pad.id;
    this.unkId = unk?.id ?? NO_ID;
    this.vocabularySize = pipeline.largestId + 1;
  }

  /**
   * Reads `tokenizer.json` (given itself or by its folder) and, where they are, the `tokenizer_config.json` and the
   * `special_tokens_map.json` beside it. AppError `file_missing`, or `data_invalid` that names what is wrong or what
   * would give other ids than the Rust library.
   */
  static load(folderOrTokenizerJson: string): TextTokenizer {
    const { tokenizerFile, configFile, tokensFile } = tokenizerPaths(folderOrTokenizerJson);
    const tokenizer = readJsonObject(tokenizerFile);
    if (!tokenizer) {
      throw new AppError('file_missing', `the tokenizer file ${tokenizerFile} does not exist`, {
        hint: 'give a folder with a tokenizer.json, or make one with: mbti-data tokenizer',
      });
    }
    const config = readJsonObject(configFile) ?? {};
    const map = readJsonObject(tokensFile) ?? {};
    return new TextTokenizer(new JsonPlace(tokenizer, '', tokenizerFile), { config, map });
  }

  /** From parsed `tokenizer.json` and `tokenizer_config.json`. AppError `data_invalid`. */
  static fromJson(tokenizer: object, config: object = {}): TextTokenizer {
    const named = { config: { ...config }, map: {} };
    return new TextTokenizer(new JsonPlace(tokenizer, '', 'tokenizer.json'), named);
  }

  /**
   * Ids WITHOUT special tokens, as many as the text has: nothing is truncated. Where only the first of them are of use,
   * `atMost` of them are given, and the rest of a long text costs next to nothing. AppError `data_invalid` for a text that
   * exhausts the stack of a pattern, which takes many millions of characters without a space.
   */
  encode(text: string, atMost?: number): number[] {
    try {
      return this.#pipeline.encode(text, atMost);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new AppError(
        'data_invalid',
        `a text of ${text.length} characters is too long for the tokenizer's patterns: ${cause.message}`,
        { cause, hint: 'texts have spaces, or are shorter' },
      );
    }
  }

  /** The same ids, each with the word piece that it stands for. */
  pieces(
    text: string,
    atMost?: number,
  ): { readonly ids: readonly number[]; readonly pieces: readonly string[] } {
    const ids = this.encode(text, atMost);
    return { ids, pieces: ids.map((id) => this.#pipeline.tokenOf(id) ?? '') };
  }

  /** The normalised words that the vocabulary is then looked up for. */
  words(text: string): string[] {
    return this.#pipeline.words(text);
  }

  /** Ids with the special tokens around them. */
  encodeWithSpecialTokens(text: string): number[] {
    return [this.clsId, ...this.encode(text), this.sepId];
  }

  /** `tokenizer_config.json` as read, with the special tokens in it: a bundle needs no other file beside tokenizer.json. */
  get configWithSpecialTokens(): JsonObject {
    return configWith(this.#config, this.#special);
  }

  /**
   * The text of the `tokenizer.json` that was read, with the special tokens that windows get in its post-processor:
   * where it names none, other libraries would feed the model without them.
   */
  fileWithTemplate(text: string): string {
    if (this.#pipeline.template) return text;
    const file: JsonObject = JSON.parse(text);
    const { post_processor: present } = file;
    return `${JSON.stringify({ ...file, post_processor: postProcessorWith(present, this.#special) })}\n`;
  }
}

/** Where a tokenizer's files are, given its folder or its `tokenizer.json`. */
export function tokenizerPaths(folderOrTokenizerJson: string): {
  tokenizerFile: string;
  configFile: string;
  tokensFile: string;
} {
  const isFolder = statSync(folderOrTokenizerJson, { throwIfNoEntry: false })?.isDirectory();
  const named = isFolder === undefined && !folderOrTokenizerJson.endsWith('.json');
  const folder = isFolder || named ? folderOrTokenizerJson : dirname(folderOrTokenizerJson);
  return {
    tokenizerFile: isFolder || named ? join(folder, 'tokenizer.json') : folderOrTokenizerJson,
    configFile: join(folder, 'tokenizer_config.json'),
    tokensFile: join(folder, 'special_tokens_map.json'),
  };
}

/** Undefined where there is no such file. */
function readJsonObject(file: string): JsonObject | undefined {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  return readJsonFile(file, { mayRepeat: true, limit: LARGEST_FILE });
}
