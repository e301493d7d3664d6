import { evaluationBatches } from '../../../data/index.ts';
import { activationsOf, type ChannelRanges } from '../../../deploy/quantize/smooth.ts';
import { cloneModel } from '../../../onnx/clone.ts';
import type { Model } from '../../../onnx/model.ts';
import { inferGraph } from '../../../onnx/shapes/infer.ts';
import { batchFeeds } from '../../../runtime/feeds.ts';
import { openSession } from '../../../runtime/session.ts';
import type { ServedTexts } from './score-as-served.ts';

/** How far the channels of every product's activations reach on some texts. */
export async function channelRanges(
  source: Model,
  { examples, batch, threads, stop, onWindow }: ServedTexts,
): Promise<ChannelRanges> {
  const model = cloneModel(source);
  const { graph } = model;
  inferGraph(graph);
  const activations = activationsOf(model);
  for (const value of activations) if (!graph.outputs.includes(value)) graph.outputs.push(value);
  const names = activations.map(({ name }) => name);
  const ranges = new Map<string, Float32Array>();
  const session = await openSession(model, { device: 'cpu', threads });
  try {
    for (const window of evaluationBatches(examples, { ...batch, batchSize: 1, alone: true })) {
      stop?.throwIfAborted();
      const { labels: _, ...feeds } = batchFeeds(window, session.inputMetadata);
      const results = await session.run(feeds, names);
      for (const name of names) {
        const { data, dims } = results[name] ?? { data: [], dims: [0] };
        const width = dims.at(-1) ?? 0;
        const most = ranges.get(name) ?? new Float32Array(width);
        for (let i = 0; i < data.length; i++) {
          most[i % width] = Math.max(most[i % width] ?? 0, Math.abs(Number(data[i])));
        }
        ranges.set(name, most);
      }
      onWindow?.();
    }
  } finally {
    await session.release();
  }
  return ranges;
}
