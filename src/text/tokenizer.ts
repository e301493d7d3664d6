import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { AppError, messageOf } from '../errors.ts';
import { type JsonObject, readJsonFile } from '../files/index.ts';

/** Special tokens by role: the key in tokenizer_config.json, and BERT's name where it says nothing. */
const specialTokens = {
  cls: ['cls_token', '[CLS]'],
  sep: ['sep_token', '[SEP]'],
  pad: ['pad_token', '[PAD]'],
  unk: ['unk_token', '[UNK]'],
} as const;

/** A Hugging Face `tokenizer.json`: text in, ids without special tokens out. */
export class TextTokenizer {
  readonly clsId: number;
  readonly sepId: number;
  readonly padId: number;
  readonly unkId: number;
  /** One more than the largest id: the rows that an embedding needs. */
  readonly vocabularySize: number;
  readonly #tokenizer: Tokenizer;

  private constructor(tokenizer: Tokenizer, config: JsonObject, origin: string) {
    this.#tokenizer = tokenizer;
    const idOf = (role: keyof typeof specialTokens): number => {
      const [key, fallback] = specialTokens[role];
      const token = tokenContent(config[key]) ?? fallback;
      const id = tokenizer.token_to_id(token);
      if (id !== undefined) return id;
      throw new AppError(
        'data_invalid',
        `${origin}: the vocabulary lacks the ${role} token ${token}`,
        { hint: `name the token that it has as "${key}" in tokenizer_config.json` },
      );
    };
    this.clsId = idOf('cls');
    this.sepId = idOf('sep');
    this.padId = idOf('pad');
    this.unkId = idOf('unk');
    this.vocabularySize = largestId(tokenizer) + 1;
  }

  /**
   * Reads `tokenizer.json` (given itself or by its folder) and, where there is one, the
   * `tokenizer_config.json` beside it. AppError `file_missing` or `data_invalid`.
   */
  static load(folderOrTokenizerJson: string): TextTokenizer {
    const { tokenizerFile, configFile } = tokenizerPaths(folderOrTokenizerJson);
    const tokenizer = readJsonObject(tokenizerFile);
    if (!tokenizer) {
      throw new AppError('file_missing', `the tokenizer file ${tokenizerFile} does not exist`, {
        hint: 'give a folder with a tokenizer.json, or make one with: mbti-data tokenizer',
      });
    }
    return TextTokenizer.#build(tokenizer, readJsonObject(configFile) ?? {}, tokenizerFile);
  }

  /** From parsed `tokenizer.json` and `tokenizer_config.json`. AppError `data_invalid`. */
  static fromJson(tokenizer: object, config: object = {}): TextTokenizer {
    return TextTokenizer.#build(tokenizer, { ...config }, 'tokenizer.json');
  }

  static #build(tokenizer: object, config: JsonObject, origin: string): TextTokenizer {
    let built: Tokenizer;
    try {
      built = new Tokenizer(tokenizer, config);
    } catch (cause) {
      const reason = messageOf(cause);
      throw new AppError('data_invalid', `${origin} is not a usable tokenizer: ${reason}`, {
        cause,
      });
    }
    return new TextTokenizer(built, config, origin);
  }

  /** Ids WITHOUT special tokens, as many as the text has: nothing is truncated. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  /** The same ids, each with the word piece that it stands for. */
  pieces(text: string): { readonly ids: readonly number[]; readonly pieces: readonly string[] } {
    const { ids, tokens } = this.#tokenizer.encode(text, { add_special_tokens: false });
    return { ids, pieces: tokens };
  }

  /** The normalised words that the vocabulary is then looked up for. */
  words(text: string): string[] {
    const { normalizer, pre_tokenizer: splitter } = this.#tokenizer;
    const normalized = normalizer ? normalizer.normalize(text) : text;
    return splitter ? splitter.pre_tokenize(normalized) : [normalized];
  }

  /** Ids with the special tokens of the tokenizer's own template. */
  encodeWithSpecialTokens(text: string): number[] {
    return this.#tokenizer.encode(text).ids;
  }
}

/** Where a tokenizer's two files are, given its folder or its `tokenizer.json`. */
export function tokenizerPaths(folderOrTokenizerJson: string): {
  tokenizerFile: string;
  configFile: string;
} {
  const isFolder = statSync(folderOrTokenizerJson, { throwIfNoEntry: false })?.isDirectory();
  const named = isFolder === undefined && !folderOrTokenizerJson.endsWith('.json');
  const folder = isFolder || named ? folderOrTokenizerJson : dirname(folderOrTokenizerJson);
  return {
    tokenizerFile: isFolder || named ? join(folder, 'tokenizer.json') : folderOrTokenizerJson,
    configFile: join(folder, 'tokenizer_config.json'),
  };
}

/** Undefined where there is no such file. */
function readJsonObject(file: string): JsonObject | undefined {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  return readJsonFile(file, { mayRepeat: true });
}

/** A token is named by a string or by an added token's object. */
function tokenContent(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('content' in value)) return undefined;
  return typeof value.content === 'string' ? value.content : undefined;
}

function largestId(tokenizer: Tokenizer): number {
  let largest = -1;
  for (const id of tokenizer.get_vocab(true).values()) largest = Math.max(largest, id);
  return largest;
}
