import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { describeKeys, loadConfig } from '../../src/config/index.ts';
import { packageRoot } from '../../src/package-root.ts';
import { toPrediction, untunedTask } from '../../src/task/index.ts';
import { commandHost } from '../support/run-commands.ts';

const text = (name: string) => readFileSync(join(packageRoot, name), 'utf8');
const manifest = JSON.parse(text('package.json'));
const markdownOf = (folder: string) =>
  readdirSync(join(packageRoot, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const documents = ['.', 'docs', 'configs', 'data', 'data/sample', 'k8s', 'models'].flatMap(
  markdownOf,
);

/** The anchors that a document's headings have where it is shown: lower case, hyphens, no punctuation. */
const anchorsOf = (document: string) =>
  [...text(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  );

const keys = new Set(describeKeys().map(({ path }) => path));
/** Of the manifest and of answers, which have some sections' names too. */
const fields = new Set(['task.cleaning', 'task.min_length', 'model.version', 'model.explains']);
const sections = [...new Set([...keys].map((path) => path.split('.', 1)[0]))].join('|');

/** What a document writes as a key of the configuration; a name with * or {…} stands for several. */
const keysIn = (document: string) =>
  [
    ...text(document).matchAll(
      new RegExp(`(?<![.\\w])(?:${sections})\\.[a-z_]+(?=[=\`|, ]|$)`, 'gm'),
    ),
  ]
    .map(([key]) => key)
    .filter((key) => !/\.(json|jsonl|ts|md|onnx|csv|log|safetensors|mjs)$/.test(key));

/** The files of this repository that a document names, up to a * or a <placeholder>. */
const filesIn = (document: string) =>
  [
    ...text(document).matchAll(
      /`((?:src|training|tests|bench|docs|configs|scripts|k8s|\.ci|\.github)\/[\w./-]*)`/g,
    ),
  ].map(([, path = '']) => path);

/** A command as documented: the program, its subcommand where it has one, and the flags. */
interface Documented {
  readonly line: string;
  readonly bin: string;
  readonly subcommand: string | undefined;
  readonly flags: readonly string[];
}

function commandsIn(document: string): Documented[] {
  return [...text(document).matchAll(/npx (mbti-[^`\n|>]*)/g)].map(([, found = '']) => {
    const line = found.replace(/#.*/, '').trim();
    const [bin = '', next = ''] = line.split(/\s+/);
    return {
      line,
      bin,
      subcommand: /^[a-z][a-z-]*$/.test(next) ? next : undefined,
      flags: [...line.matchAll(/--[a-z-]+/g)].map(([flag]) => flag),
    };
  });
}

const run = commandHost();

/** The programs of package.json, as `commandHost` names them. */
const programs = new Map(
  Object.entries<string>(manifest.bin).map(([name, script]) => [
    name,
    script.replace(/^dist\/(.*)\.js$/, '$1') as Parameters<typeof run>[0],
  ]),
);
const printed = new Map<string, string>();

/** What the built program prints for --help; the build comes before the tests. */
async function helpOf({
  bin,
  subcommand,
}: Pick<Documented, 'bin' | 'subcommand'>): Promise<string> {
  const args = [...(subcommand === undefined ? [] : [subcommand]), '--help'];
  const name = [bin, ...args].join(' ');
  const known = printed.get(name);
  if (known !== undefined) return known;
  const program = programs.get(bin);
  if (program === undefined) throw new Error(`package.json has no program ${bin}`);
  const { code, stdout, stderr } = await run(program, args, { cwd: packageRoot });
  if (code !== 0) throw new Error(`${name} ends with ${code}: ${stderr}`);
  printed.set(name, stdout);
  return stdout;
}

describe.each(documents)('%s', (document) => {
  it('links to files that exist', () => {
    const links = [...text(document).matchAll(/\]\(([^)#]+)\)/g)].map(([, link = '']) => link);
    const missing = links.filter(
      (link) => !existsSync(join(packageRoot, dirname(document), link)) && !/^https?:/.test(link),
    );
    expect(missing).toEqual([]);
  });

  it('links to headings that exist', () => {
    const links = [...text(document).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)];
    const missing = links.filter(([, path = '', anchor = '']) => {
      const target = path === '' ? document : join(dirname(document), path);
      return !anchorsOf(target).includes(anchor);
    });
    expect(missing.map(([link]) => link)).toEqual([]);
  });

  it('names keys of the configuration and files that exist', () => {
    expect(keysIn(document).filter((key) => !keys.has(key) && !fields.has(key))).toEqual([]);
    expect(filesIn(document).filter((path) => !existsSync(join(packageRoot, path)))).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const scripts = [...text(document).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(scripts));
  });
});

const documented = [...documents, 'dvc.yaml'].flatMap(commandsIn);

describe('the documented commands', () => {
  it.each(documented.map((command) => [command.line, command] as const))(
    '%s',
    async (_line, command) => {
      const help = await helpOf(command);
      for (const flag of command.flags) expect(help).toContain(flag);
      if (command.subcommand !== undefined)
        expect(help).toContain(`${command.bin} ${command.subcommand}`);
    },
  );

  it('explain every key of the configuration', async () => {
    const helps = ['mbti-train', 'mbti-serve'].map((bin) => helpOf({ bin, subcommand: undefined }));
    const shown = (await Promise.all(helps)).flatMap((help) => {
      const [, list = ''] = help.split('Keys of key=value');
      return [...list.matchAll(/^ {2}([a-z]\S*) {2}/gm)].map(([, key]) => key);
    });
    expect([...new Set(shown)].sort()).toEqual([...keys].sort());
  });

  it('have no line of help that looks like one of a stack', async () => {
    for (const bin of Object.keys(manifest.bin)) {
      expect(await helpOf({ bin, subcommand: undefined })).not.toMatch(/^\s+at /m);
    }
  });

  it('cover every program of package.json', () => {
    const named = new Set(commandsIn('README.md').map(({ bin }) => bin));
    expect([...named].sort()).toEqual(Object.keys(manifest.bin).sort());
  });
});

describe('the README', () => {
  it('shows a response as the default task gives it', () => {
    const [, json = ''] = /```json\n(\{\n {2}"mbti_type"[^`]*)```/.exec(text('README.md')) ?? [];
    const { model, usage, ...prediction } = JSON.parse(json);
    const { config } = loadConfig({ file: 'configs/quick.json', env: {} });
    const scores = prediction.dimensions.map(({ score }: { score: number }) => score);
    expect(prediction).toEqual(toPrediction(untunedTask(config.task, config.data.clean), scores));
    expect(Object.keys(model)).toEqual(['name', 'version']);
    expect(Object.keys(usage)).toEqual(['tokens', 'windows', 'truncated']);
  });

  it('shows an excerpt of configs/reviews.json', () => {
    const [, excerpt = ''] = /```json\n(\{\n {2}"extends"[^`]*)```/.exec(text('README.md')) ?? [];
    expect(JSON.parse(text('configs/reviews.json'))).toMatchObject(JSON.parse(excerpt));
  });
});
