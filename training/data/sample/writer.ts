import { Random } from '../../random.ts';
import {
  cues,
  endings,
  fillers,
  joiners,
  links,
  neutral,
  openers,
  typeRemarks,
} from './phrases.ts';

type Letter = keyof typeof cues;

/** One axis of the invented writers. */
interface Trait {
  readonly letters: readonly [Letter, Letter];
  /** How many writers have the first letter; as in the real corpus, but milder. */
  readonly prior: number;
  /** How often a cue on this axis is one of the writer's own letter: the rest is noise. */
  readonly fidelity: number;
}

export const traits: readonly Trait[] = [
  { letters: ['E', 'I'], prior: 0.36, fidelity: 0.92 },
  { letters: ['S', 'N'], prior: 0.32, fidelity: 0.92 },
  { letters: ['T', 'F'], prior: 0.46, fidelity: 0.92 },
  { letters: ['J', 'P'], prior: 0.42, fidelity: 0.92 },
];

/** An invented writer: the code, the posts, and for each axis first minus second letters' cues. */
export interface SampleWriter {
  readonly type: string;
  readonly posts: string;
  readonly evidence: readonly number[];
}

const FEWEST_POSTS = 3;
const MOST_POSTS = 8;
const NEUTRAL_SHARE = 0.06;
const SECOND_CLAUSE_SHARE = 0.3;
const LINK_SHARE = 0.06;
const TYPE_SHARE = 0.04;
/** How often a type that is named is the writer's own: naming it gives the label away. */
const OWN_TYPE_SHARE = 0.8;

/** Draws one writer. The same state of `random` gives the same writer. */
export function drawWriter(random: Random): SampleWriter {
  const letters = traits.map(({ letters: [first, second], prior }) =>
    random.chance(prior) ? first : second,
  );
  const evidence = traits.map(() => 0);
  const count = FEWEST_POSTS + random.int(MOST_POSTS - FEWEST_POSTS + 1);
  const posts = Array.from({ length: count }, () => drawPost(random, letters, evidence));
  return { type: letters.join(''), posts: posts.join('|||'), evidence };
}

function drawPost(random: Random, letters: readonly Letter[], evidence: number[]): string {
  const clauses = [drawClause(random, letters, evidence)];
  if (random.chance(SECOND_CLAUSE_SHARE)) clauses.push(drawClause(random, letters, evidence));
  const joiner = random.pick(joiners);
  const [first = '', second] = clauses;
  const start = random.pick(openers);
  const end =
    second === undefined ? '' : joiner + (joiner.startsWith('.') ? capital(second) : second);
  const sentence = capital(start + first + end) + random.pick(endings);
  const remark = random.chance(TYPE_SHARE) ? ` ${drawRemark(random, letters)}` : '';
  const link = random.chance(LINK_SHARE) ? ` ${drawLink(random)}` : '';
  return sentence + remark + link;
}

function drawClause(random: Random, letters: readonly Letter[], evidence: number[]): string {
  if (random.chance(NEUTRAL_SHARE)) return fill(random, random.pick(neutral));
  const axis = random.int(traits.length);
  const { letters: pair, fidelity } = traits[axis] as Trait;
  const own = letters[axis] === pair[0] ? 0 : 1;
  const said = random.chance(fidelity) ? own : 1 - own;
  evidence[axis] = (evidence[axis] ?? 0) + (said === 0 ? 1 : -1);
  return fill(random, random.pick(cues[pair[said] as Letter]));
}

function fill(random: Random, phrase: string): string {
  return phrase.replace(/\{(\w+)\}/g, (_slot, name: string) =>
    random.pick(fillers[name] ?? ['it']),
  );
}

function drawRemark(random: Random, letters: readonly Letter[]): string {
  const own = random.chance(OWN_TYPE_SHARE);
  const type = own ? letters : traits.map((trait) => random.pick(trait.letters));
  return `${random.pick(typeRemarks).replace('{type}', type.join(''))}.`;
}

function drawLink(random: Random): string {
  return random.pick(links).replace('{id}', random.bits().toString(36));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The synthetic corpus as CSV, in the schema `type,posts`. The same arguments give the same bytes. */
export function sampleCsv(rows: number, seed: number): string {
  const random = new Random(seed, 'sample');
  const lines = ['type,posts'];
  for (let i = 0; i < rows; i++) {
    const { type, posts } = drawWriter(random);
    lines.push(`${type},"${posts.replaceAll('"', '""')}"`);
  }
  return `${lines.join('\n')}\n`;
}
