import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { exportFolder } from '../../../../training/architectures/index.ts';
import { compileArtifacts } from '../../../../training/artifacts/index.ts';
import { dropoutPlaces } from '../../../../training/graph/facts/dropout-places.ts';
import { readModel } from '../../../../training/onnx/codec/index.ts';
import { fixturePath } from '../../../support/reference-tensors.ts';
import { compileOptions } from '../../../support/tiny-distilbert.ts';

/** Layers of the fixtures' models, and places in each: BERT also drops the output of attention. */
const models = {
  distilbert: { layers: 3, perLayer: 2 },
  'distilbert-fresh': { layers: 2, perLayer: 2 },
  bert: { layers: 2, perLayer: 3 },
} as const;

const graphs = Object.keys(models).flatMap((model) =>
  readdirSync(fixturePath(`graphs/${model}`))
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => [model as keyof typeof models, file] as const),
);

async function placesOf(model: string, file: string): Promise<readonly string[]> {
  const forward = await readModel(fixturePath(`graphs/${model}/${file}`));
  const head = file.includes('-base') ? 'mlp' : 'keep';
  const options = { ...compileOptions, head, labels: 4, dropout: 0.1 } as const;
  const { description } = compileArtifacts(forward, options);
  const { hyper_parameters: parameters } = description as {
    hyper_parameters: { dropout_places: string[] };
  };
  return parameters.dropout_places;
}

describe('dropout places of a foreign graph', () => {
  it.each(graphs)('%s/%s: embeddings, each layer, and the head', async (model, file) => {
    const places = await placesOf(model, file);
    const { layers, perLayer } = models[model];
    const heads = file.includes('-base') ? 2 : 1;
    expect(places).toHaveLength(1 + layers * perLayer + heads);
    expect(new Set(places).size).toBe(places.length);
  });

  it('are those of DistilBERT where LayerNorm is many nodes', async () => {
    expect(await placesOf('distilbert', 'legacy-op14-eager-head.onnx')).toEqual([
      '/distilbert/embeddings/LayerNorm/Add_1',
      ...[0, 1, 2].flatMap((i) => [
        `/distilbert/transformer/layer.${i}/attention/Softmax`,
        `/distilbert/transformer/layer.${i}/ffn/lin2/Add`,
      ]),
      '/classifier/Gemm',
    ]);
  });

  it('are those of BERT, with the output of attention', async () => {
    expect(await placesOf('bert', 'legacy-op17-sdpa-head.onnx')).toEqual([
      '/bert/embeddings/LayerNorm/LayerNormalization',
      ...[0, 1].flatMap((i) => [
        `/bert/encoder/layer.${i}/attention/self/Softmax`,
        `/bert/encoder/layer.${i}/attention/output/dense/Add`,
        `/bert/encoder/layer.${i}/output/dense/Add`,
      ]),
      '/classifier/Gemm',
    ]);
  });

  it.each(['bert', 'distilbert'])('do not depend on the names of nodes: %s', async (name) => {
    const { model } = await exportFolder(fixturePath(`models/${name}`));
    const named = dropoutPlaces(model.graph).map(({ value }) => value);
    for (const node of model.graph.nodes) node.name = '';
    const places = dropoutPlaces(model.graph);
    expect(places.map(({ value }) => value)).toEqual(named);
    expect(named).toHaveLength(8);
    expect(new Set(places.map((place) => place.name)).size).toBe(8);
  });
});
