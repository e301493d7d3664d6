import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/index.ts';
import { packageRoot } from '../../src/package-root.ts';

const text = (name: string) => readFileSync(join(packageRoot, name), 'utf8');
const manifest = JSON.parse(text('package.json'));

interface Stage {
  readonly cmd: string | string[];
  readonly deps: string[];
  readonly outs?: (string | Record<string, unknown>)[];
  readonly metrics?: (string | Record<string, unknown>)[];
}

/** A step of a job of the workflow. */
interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

const pathOf = (entry: string | Record<string, unknown>) =>
  typeof entry === 'string' ? entry : (Object.keys(entry)[0] ?? '');
const written = ({ outs = [], metrics = [] }: Stage) => [...outs, ...metrics].map(pathOf);

describe('dvc.yaml', () => {
  const pipeline = parse(text('dvc.yaml'));
  const stages: Record<string, Stage> = pipeline.stages;
  const { config } = loadConfig({ file: 'configs/quick.json', env: {} });

  it('goes from data to a bundle to its measures', () => {
    expect(Object.keys(stages)).toEqual(['prepare', 'train', 'evaluate']);
  });

  it('depends on files of the repository and on what earlier stages write', () => {
    const earlier: string[] = [];
    for (const stage of Object.values(stages)) {
      const unknown = stage.deps.filter(
        (dependency) => !earlier.includes(dependency) && !existsSync(join(packageRoot, dependency)),
      );
      expect(unknown).toEqual([]);
      earlier.push(...written(stage));
    }
  });

  it('depends on every configuration file and input that its configuration reads', () => {
    const inputs = [config.data.source, config.model.tokenizer].map((file) =>
      String(file).replace(`${packageRoot}/`, ''),
    );
    const files = ['configs/base.json', 'configs/quick.json', ...inputs];
    expect(stages.prepare?.deps).toEqual(files);
    expect(stages.train?.deps).toEqual(expect.arrayContaining(files));
  });

  it('declares what its commands write', () => {
    expect(written(stages.prepare as Stage)).toEqual([config.data.dir]);
    // The whole run's folder: DVC empties it before it trains again.
    expect(written(stages.train as Stage)).toEqual([config.model.out, config.run.dir]);
    expect(pipeline.metrics).toEqual([join(config.run.dir, 'metrics.json')]);
    const evaluate = stages.evaluate as Stage;
    for (const path of written(evaluate)) expect(String(evaluate.cmd)).toContain(path);
  });
});

describe('the repository of DVC', () => {
  it('is there after a clone, and sends no usage analytics', () => {
    expect(text('.dvc/config')).toMatch(/^\[core\]\n(.*\n)*? +analytics = false$/m);
    expect(text('.dvc/.gitignore').split('\n')).toEqual(
      expect.arrayContaining(['/config.local', '/tmp', '/cache']),
    );
  });

  it('passes over nothing that a stage reads or writes', () => {
    const ignored = text('.dvcignore')
      .split('\n')
      .filter((line) => line.startsWith('/'));
    const stages: Stage[] = Object.values(parse(text('dvc.yaml')).stages);
    const used = stages.flatMap((stage) => [...stage.deps, ...written(stage)]);
    const hidden = used.filter((path) =>
      ignored.some((line) => `/${path}/`.startsWith(`${line}/`)),
    );
    expect(ignored).not.toEqual([]);
    expect(hidden).toEqual([]);
  });
});

describe('the CI workflow', () => {
  const file = '.github/workflows/ci.yml';
  const { jobs } = parse(text(file));
  const steps: Step[] = jobs.test.steps;

  it('checks and tests on the oldest supported Node.js and on newer ones', () => {
    const supported = [...manifest.engines.node.matchAll(/(\d+)\.\d+\.\d+/g)].map(([, major]) =>
      Number(major),
    );
    const tried: number[] = jobs.test.strategy.matrix.node;
    expect(tried.slice(0, supported.length)).toEqual(supported);
    expect(tried.length).toBeGreaterThan(supported.length);
  });

  it('runs what .ci/run runs, and helps the installation along with nothing', () => {
    const lines = text('.ci/run')
      .split('\n')
      .filter((line) => line.startsWith('npm '));
    expect(steps.flatMap(({ run }) => run ?? [])).toEqual(lines);
    expect(Object.keys(jobs.test.env)).toEqual(['CHROMIUM_PATH']);
    expect(steps.filter(({ env }) => env !== undefined)).toEqual([]);
    expect(text('.ci/run')).not.toMatch(/ONNXRUNTIME_NODE_INSTALL|npm_config|export /);
  });

  it('pins every action by the hash of a commit, and says which release that is', () => {
    const actions = [...text(file).matchAll(/uses: (.*)/g)].map(([, action]) => action);
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) {
      expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  it('leaves no credentials in what it checks out', () => {
    const all: Step[] = Object.values<{ steps: Step[] }>(jobs).flatMap((job) => job.steps);
    const checkouts = all.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts).toHaveLength(Object.keys(jobs).length);
    for (const step of checkouts) expect(step.with).toEqual({ 'persist-credentials': false });
  });
});
