#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { runCommand, strictArguments } from '../../src/bin/run-command.ts';
import { packageVersion } from '../../src/package-root.ts';
import { type ArtifactArguments, artifactOptions, makeArtifacts } from './model-artifacts.ts';
import { type EvaluateArguments, evaluate, evaluateOptions } from './model-evaluate.ts';
import { type ExportArguments, exportModel, exportOptions } from './model-export.ts';
import { type InspectArguments, inspect, inspectOptions } from './model-inspect.ts';
import { type OptimizeArguments, optimize, optimizeOptions } from './model-optimize.ts';
import { type QuantizeArguments, quantize, quantizeOptions } from './model-quantize.ts';

async function main(): Promise<void> {
  const parser = strictArguments(yargs(hideBin(process.argv)), packageVersion)
    .scriptName('mbti-model')
    .usage('$0 <command>\n\nWorks on ONNX models and on model bundles.')
    .command<ExportArguments>(
      'export',
      'Make the forward .onnx of a Hugging Face folder: DistilBERT or BERT, config.json and model.safetensors',
      exportOptions,
      exportModel,
    )
    .command<ArtifactArguments>(
      'artifacts',
      'Compile a forward .onnx into training artifacts: models of training, evaluation, optimizer and loop, checkpoint',
      artifactOptions,
      makeArtifacts,
    )
    .command<OptimizeArguments>(
      'optimize <file>',
      'Rewrite a forward .onnx so that it computes the same with less work, and verify that it does',
      optimizeOptions,
      optimize,
    )
    .command<InspectArguments>(
      'inspect <file>',
      'Say what a .onnx holds: operators, gradients, parameters, which execution providers can run it',
      inspectOptions,
      inspect,
    )
    .command<EvaluateArguments>(
      'evaluate',
      "Measure a model bundle on labelled texts of its task, beside the texts' majority class",
      evaluateOptions,
      evaluate,
    )
    .command<QuantizeArguments>(
      'quantize <file>',
      'Make the int8 file of an fp32 .onnx, and hold it to the fp32 answers where texts are given',
      quantizeOptions,
      quantize,
    )
    .demandCommand(
      1,
      'no command: expected export, artifacts, optimize, quantize, inspect or evaluate',
    );
  await parser.parseAsync();
}

await runCommand(main);
