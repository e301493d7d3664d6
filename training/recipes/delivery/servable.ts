import { fixedAxes, inputProblem } from '../../../src/bundle/index.ts';
import { AppError, messageOf } from '../../../src/errors.ts';
import { nameShown, onOneLine } from '../../../src/files/index.ts';
import { longestWindow, type TextTokenizer } from '../../../src/text/index.ts';
import { passes } from '../../graph/facts/passing.ts';
import type { Graph, Value } from '../../onnx/graph.ts';
import type { Model } from '../../onnx/model.ts';
import { behind } from '../../onnx/walk.ts';
import { openWindows, openWindowsApart, type WindowSession } from '../../runtime/windows.ts';

/** The texts that a model has to score once it is served. */
export interface Windows {
  readonly tokenizer: Pick<TextTokenizer, 'clsId' | 'sepId' | 'padId' | 'vocabularySize'>;
  /** Tokens of the longest window. */
  readonly maxLength: number;
  readonly labels: number;
}

/** [CLS], one token and [SEP]: what a text gives at least. */
const SHORTEST = 3;

/**
 * AppError `model_invalid` where a graph's inputs are not those of a model that is served, or where they fix how many
 * texts there are, or how long they are.
 */
export function requireServableInputs({ graph }: Model, file: string): void {
  const inputs = graph.inputs.filter(({ initializer }) => initializer === undefined);
  const problem = inputProblem(inputs);
  if (problem !== undefined) {
    const own = inputs.some(({ name }) => name === 'position_ids');
    throw new AppError('model_invalid', `${file}: ${problem}`, {
      hint: own
        ? 'export the model without position_ids among its inputs: the graph then computes them itself'
        : 'export the model with the inputs that its tokenizer gives, int64 [batch, sequence] each',
    });
  }
  const fixed = fixedAxes(inputs);
  if (fixed.length === 0) return;
  throw new AppError(
    'model_invalid',
    `${file}: ${fixed.join('; ')}: expected any number of texts of any length`,
    {
      hint: 'export the model again with both axes dynamic, as dynamic_axes={"input_ids": {0: "batch", 1: "sequence"}, …} or dynamic_shapes of torch.onnx.export',
    },
  );
}

/**
 * Before anything is trained: the tokenizer's ids lie within the embedding, and the graph can compute windows of
 * `train.max_length` tokens, which is tried, since graphs count positions in many ways.
 *
 * @param model the classifier as it would be served, untrained
 * @throws AppError `config_invalid` that names the largest length possible; `model_invalid` where there is none
 */
export async function requireWindows(model: Model, windows: Windows): Promise<void> {
  const { tokenizer, maxLength } = windows;
  requireRows(model.graph, tokenizer.vocabularySize);
  const session = await openWindowsApart(model, maxLength);
  try {
    const problem = await problemOf(session, windows, maxLength);
    if (problem === undefined) return;
    const most = await mostTokens(session, windows);
    if (most < SHORTEST) {
      throw new AppError('model_invalid', `model.base cannot score a text: ${problem}`);
    }
    throw new AppError(
      'config_invalid',
      `train.max_length is ${maxLength}: expected at most ${most}, the most tokens that model.base can take (${problem})`,
      { hint: `set train.max_length=${most}; longer texts are cut into windows` },
    );
  } finally {
    await session.dispose();
  }
}

/**
 * Tries a graph of unknown origin in a process of its own, before it is run in this one. AppError `model_invalid` where it takes
 * more than windows can; what else is wrong with it is found when it is run.
 */
export async function requireModest(model: Model, windows: Windows): Promise<void> {
  const session = await openWindowsApart(model, windows.maxLength);
  try {
    await problemOf(session, windows, windows.maxLength);
  } finally {
    await session.dispose();
  }
}

/**
 * Scores the longest and the shortest window with the files of a bundle, as a server does before it takes requests.
 * AppError `model_invalid`, naming the file and what failed.
 *
 * @param hint what has become of the files then
 */
export async function requireServes(
  files: Readonly<Record<string, Uint8Array>>,
  windows: Windows,
  hint: string,
): Promise<void> {
  for (const [file, bytes] of Object.entries(files)) {
    const session = await openWindows(bytes);
    try {
      for (const length of [SHORTEST, windows.maxLength]) {
        const problem = inputProblem(session.inputs) ?? (await problemOf(session, windows, length));
        if (problem !== undefined) throw unservable(file, length, problem, hint);
      }
    } finally {
      await session.dispose();
    }
  }
}

function unservable(file: string, length: number, problem: string, hint: string): AppError {
  return new AppError(
    'model_invalid',
    `the model cannot be served: ${file} fails on a text of ${length} tokens: ${problem}`,
    { hint },
  );
}

/** The largest length up to `maxLength` at which the graph runs. */
async function mostTokens(session: WindowSession, windows: Windows): Promise<number> {
  let [works, fails] = [SHORTEST - 1, windows.maxLength];
  while (fails - works > 1) {
    const length = Math.floor((works + fails) / 2);
    if ((await problemOf(session, windows, length)) === undefined) works = length;
    else fails = length;
  }
  return works;
}

/** Why a window of so many tokens has no logits; undefined: it has. */
async function problemOf(
  session: WindowSession,
  { tokenizer, labels }: Windows,
  length: number,
): Promise<string | undefined> {
  try {
    const { dims, data } = await session.run(longestWindow(length, tokenizer));
    if (dims.join() !== `1,${labels}`) return `its logits are [${dims}], not [1, ${labels}]`;
    return data.every(Number.isFinite) ? undefined : 'its logits are not finite';
  } catch (error) {
    if (error instanceof AppError) throw error;
    return runtimeReason(messageOf(error));
  }
}

/** Characters of a reason that are shown. */
const SHOWN = 200;

/** What the runtime says, or of a node that failed only which one: the rest tells of the runtime's own sources. */
function runtimeReason(message: string): string {
  const [, op, name] = /while running (\w+) node\. Name:'([^']*)'/.exec(message) ?? [];
  if (op !== undefined) return `${op} ${nameShown(name ?? '')} fails`;
  const [line = ''] = message.trim().split('\n');
  return onOneLine(line, SHOWN);
}

/** Operators that pass ids on. */
const passesIds = passes('type', 'form');

function isTokens(value: Value | undefined): boolean {
  const source = value && behind(value, passesIds);
  return source?.producer === undefined && source?.name === 'input_ids';
}

/** The tables that token ids choose rows of have as many rows as the tokenizer has ids. */
function requireRows(graph: Graph, ids: number): void {
  for (const { op, inputs } of graph.nodes) {
    const [table, rows] = inputs;
    const count = table?.initializer?.dims[0];
    if (op !== 'Gather' || count === undefined || count >= ids || !isTokens(rows)) continue;
    throw new AppError(
      'config_invalid',
      `model.tokenizer has ids up to ${ids - 1}: expected less than ${count}, the rows of ${nameShown(table?.name ?? '')} in model.base`,
      { hint: 'leave model.tokenizer out to take the one beside the base' },
    );
  }
}
