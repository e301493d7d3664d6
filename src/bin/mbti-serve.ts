#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { keyHelp, loadConfig } from '../config/index.ts';
import { errorTable } from '../errors.ts';
import { packageVersion } from '../package-root.ts';
import type { RunningServer } from '../server.ts';
import type { Logger } from '../telemetry/index.ts';
import { partsOf, runCommand, strictArguments } from './run-command.ts';

const SECTIONS = [
  'runtime',
  'server',
  'queue',
  'cache',
  'limits',
  'models',
  'security',
  'drift',
  'prediction_log',
  'telemetry',
  'log',
];
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** In a terminal it says that the terminal was closed; elsewhere, that the bundle is to be reloaded. */
const HANG_UP = 'SIGHUP';

async function main(): Promise<void> {
  const argv = await strictArguments(yargs(hideBin(process.argv)), packageVersion)
    .scriptName('mbti-serve')
    .command('$0 [overrides..]', 'Serves a model bundle, or several, over HTTP', (command) =>
      command.positional('overrides', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'key=value: settings that come before those of files and environment',
      }),
    )
    .options({
      config: { type: 'string', requiresArg: true, describe: 'The configuration file' },
      model: {
        type: 'string',
        requiresArg: true,
        describe:
          'The bundle to serve, or a folder of bundles: <name>/ or <name>/<version>/ (default: model.out, that is models/mbti)',
      },
      port: { type: 'string', requiresArg: true, describe: 'server.port (default: 8000)' },
      host: { type: 'string', requiresArg: true, describe: 'server.host (default: 0.0.0.0)' },
      workers: {
        type: 'string',
        requiresArg: true,
        describe:
          'server.workers: inference processes of a model (default: one for each core, shared by the models)',
      },
    })
    .example('$0 --model models/mbti --port 9000', 'Serve one model on another port')
    .example('$0 --model models models.default_model=mbti', 'Serve every model of a folder')
    .example('$0 --config configs/serve.json queue.max_depth=64', 'Serve as in production')
    .epilogue(`Keys of key=value, with their defaults:\n${keyHelp(SECTIONS)}`)
    .parseAsync();
  // A list where a flag was repeated: the last word counts, as with key=value.
  const last = (flag: string | readonly string[] | undefined) =>
    typeof flag === 'object' ? flag.at(-1) : flag;
  const { config } = loadConfig({
    file: last(argv.config),
    // yargs does not carry a positional's type out of its command.
    overrides: argv.overrides as readonly string[],
    flags: {
      'model.out': last(argv.model),
      'server.port': last(argv.port),
      'server.host': last(argv.host),
      'server.workers': last(argv.workers),
    },
  });
  // A third of a second of modules, which neither help nor a mistake in the configuration waits for.
  const [{ startServer }, { createLogger }] = await Promise.all([
    import('../server.ts'),
    import('../telemetry/index.ts'),
  ]);
  const logger = createLogger(config.log);
  const modelDir = config.model.out;
  const signals = stopOnSignals(logger);
  const server = await startServer({ config, modelDir, logger, verbose: argv.verbose === true });
  signals.server = server;
  // It logs what came of it.
  if (!process.stdin.isTTY) process.on(HANG_UP, () => void server.reload().catch(() => {}));
  const { name, version, precision } = server.model;
  const isAlone = server.models.length === 1;
  const models = server.models.map((one) => `${one.name} ${one.version} ${one.precision}`);
  logger.info(`serving ${modelDir} on ${server.url}`, {
    model: name,
    version,
    precision,
    ...(isAlone ? {} : { models: models.join(', ') }),
  });
}

/**
 * The first signal lets the server finish its work; a second one, or one before there is a server,
 * ends the process at once.
 */
function stopOnSignals(logger: Logger): { server?: RunningServer } {
  const held: { server?: RunningServer } = {};
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping || !held.server) process.exit(errorTable.interrupted.exitCode);
    isStopping = true;
    logger.info('stopping: accepted requests are finished first', { signal });
    held.server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        const { code, message, hint, stack } = partsOf(error, true);
        logger.error(message, { code, hint, stack });
        process.exit(1);
      },
    );
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return held;
}

await runCommand(main, { logsToOutput: true });
