export interface CompileOptions {
  /** `keep`: train the graph's own `logits`; `mlp`: attach the task head to its hidden states. */
  readonly head: 'keep' | 'mlp';
  /** Labels of the task. May be left out with `keep`, where the graph's logits tell. */
  readonly labels?: number | undefined;
  /** The hidden states [batch, sequence, width] that the head is attached to: `last_hidden_state`. */
  readonly hidden?: string | undefined;
  /** Weight of each label's positive cases in the loss. */
  readonly posWeight?: readonly number[] | undefined;
  /** Probability with which activations are dropped in training. */
  readonly dropout: number;
  /** The parameters that are trained, as `parametersMeant` reads them: all. */
  readonly trainable?: readonly string[] | undefined;
  /** The parameters that stay as they are: none. */
  readonly frozen?: readonly string[] | undefined;
  /** `layers`: the backward pass computes each layer's activations again from its input, which alone is kept. */
  readonly recompute?: 'none' | 'layers' | undefined;
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm; null: not at all. */
  readonly maxGradNorm: number | null;
  /** About so many pieces of a batch are run one after the other, and their gradients averaged: 1. */
  readonly accumulate?: number | undefined;
  /** `fp16`: matrix products of the training graph in float16, with a loss scale; parameters stay float32. `fp32`. */
  readonly precision?: 'fp32' | 'fp16' | undefined;
  /** Decides the head's initial weights and dropout. */
  readonly seed: number;
}
