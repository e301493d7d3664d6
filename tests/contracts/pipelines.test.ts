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

const pathOf = (entry: string | Record<string, unknown>) =>
  typeof entry === 'string' ? entry : (Object.keys(entry)[0] ?? '');
const written = ({ outs = [], metrics = [] }: Stage) => [...outs, ...metrics].map(pathOf);

describe('dvc.yaml', () => {
  const stages: Record<string, Stage> = parse(text('dvc.yaml')).stages;
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
    expect(written(stages.train as Stage)).toEqual([
      config.model.out,
      join(config.run.dir, 'metrics.json'),
    ]);
    const evaluate = stages.evaluate as Stage;
    for (const path of written(evaluate)) expect(String(evaluate.cmd)).toContain(path);
  });
});

describe('the CI workflow', () => {
  const file = '.github/workflows/ci.yml';
  const { jobs } = parse(text(file));
  const steps: { run?: string; uses?: string }[] = jobs.test.steps;

  it('checks and tests on the oldest supported Node.js and on newer ones', () => {
    const oldest = Number(/\d+/.exec(manifest.engines.node)?.[0]);
    expect(Math.min(...jobs.test.strategy.matrix.node)).toBe(oldest);
    expect(jobs.test.strategy.matrix.node.length).toBeGreaterThan(1);
  });

  it('runs what .ci/run runs, without the download of CUDA libraries', () => {
    const lines = text('.ci/run')
      .split('\n')
      .filter((line) => line.startsWith('npm '));
    expect(steps.flatMap(({ run }) => run ?? [])).toEqual(lines);
    expect(jobs.test.env.ONNXRUNTIME_NODE_INSTALL).toBe('skip');
    expect(jobs.test.env.CHROMIUM_PATH).toBeDefined();
  });

  it('pins every action by its major version', () => {
    const actions = [...text(file).matchAll(/uses: (\S+)/g)].map(([, action]) => action);
    for (const action of actions) expect(action).toMatch(/@v\d+$/);
  });
});
