#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { runCommand, strictArguments } from '../../src/bin/run-command.ts';
import { packageVersion } from '../../src/package-root.ts';
import type { ArtifactArguments } from './model-artifacts.ts';
import type { EvaluateArguments } from './model-evaluate.ts';
import type { ExportArguments } from './model-export.ts';
import type { InspectArguments } from './model-inspect.ts';
import type { OptimizeArguments } from './model-optimize.ts';
import type { QuantizeArguments } from './model-quantize.ts';

/** Each command's module is loaded when it is asked for: together they take most of a second. */
async function main(): Promise<void> {
  const parser = strictArguments(yargs(hideBin(process.argv)), packageVersion)
    .scriptName('mbti-model')
    .usage('$0 <command>\n\nWorks on ONNX models and on model bundles.')
    .command<ExportArguments>(
      'export',
      'Make the forward .onnx of a Hugging Face folder: DistilBERT or BERT, config.json and model.safetensors',
      async (command) => (await import('./model-export.ts')).exportOptions(command),
      async (given) => (await import('./model-export.ts')).exportModel(given),
    )
    .command<ArtifactArguments>(
      'artifacts',
      'Compile a forward .onnx into training artifacts: models of training, evaluation, optimizer and loop, checkpoint',
      async (command) => (await import('./model-artifacts.ts')).artifactOptions(command),
      async (given) => (await import('./model-artifacts.ts')).makeArtifacts(given),
    )
    .command<OptimizeArguments>(
      'optimize <file>',
      'Rewrite a forward .onnx so that it computes the same with less work, and verify that it does',
      async (command) => (await import('./model-optimize.ts')).optimizeOptions(command),
      async (given) => (await import('./model-optimize.ts')).optimize(given),
    )
    .command<InspectArguments>(
      'inspect <file>',
      'Say what a .onnx holds: operators, gradients, parameters, which execution providers can run it',
      async (command) => (await import('./model-inspect.ts')).inspectOptions(command),
      async (given) => (await import('./model-inspect.ts')).inspect(given),
    )
    .command<EvaluateArguments>(
      'evaluate',
      "Measure a model bundle on labelled texts of its task, beside the texts' majority class",
      async (command) => (await import('./model-evaluate.ts')).evaluateOptions(command),
      async (given) => (await import('./model-evaluate.ts')).evaluate(given),
    )
    .command<QuantizeArguments>(
      'quantize [words..]',
      'Make a smaller file of an fp32 .onnx or for a bundle, and hold it to the fp32 answers where texts are given',
      async (command) => (await import('./model-quantize.ts')).quantizeOptions(command),
      async (given) => (await import('./model-quantize.ts')).quantize(given),
    )
    .demandCommand(
      1,
      'no command: expected export, artifacts, optimize, quantize, inspect or evaluate',
    );
  await parser.parseAsync();
}

await runCommand(main);
