import type { JsonPlace } from './json-place.ts';
import { isNullable, parse } from './regex/syntax.ts';

/** Components of one tokenizer: each goes over the whole text. */
const MOST_COMPONENTS = 100;
/** How many times as long a text may become. */
const MOST_GROWTH = 1_000;
/** Characters that are put before a text or a word. */
const LONGEST_PREPENDED = 1_000;

const HINT = 'no model was trained with such a tokenizer: export it again';

/** Bytes are shown as characters of two bytes each: of one character up to four become, of a byte two. */
const BYTE_LEVEL_GROWTH = 4;

/** How many times as long a component can make a text. */
const growths: Readonly<Record<string, (component: JsonPlace) => number>> = {
  ByteLevel: () => BYTE_LEVEL_GROWTH,
  Replace: (place) => lengthOf(place.get('content')) + (canBeEmpty(place) ? 1 : 0),
};

/** AppError `data_invalid` where components make texts longer without measure, or are too many. */
export function refuseBoundless(file: JsonPlace): void {
  let [count, growth] = [0, 1];
  for (const part of ['normalizer', 'pre_tokenizer', 'post_processor']) {
    for (const place of componentsIn(file.get(part))) {
      const { value: type } = place.get('type');
      if (++count > MOST_COMPONENTS) {
        throw file.refused(`made of more than ${MOST_COMPONENTS} components`, HINT);
      }
      if (type === 'Prepend' && lengthOf(place.get('prepend')) > LONGEST_PREPENDED) {
        throw place.refused(`long: expected ${LONGEST_PREPENDED} characters at most`, HINT);
      }
      if (typeof type !== 'string' || !Object.hasOwn(growths, type)) continue;
      growth *= Math.max(growths[type]?.(place) ?? 1, 1);
      if (growth > MOST_GROWTH) {
        throw place.refused(
          `what makes texts more than ${MOST_GROWTH} times as long as they are`,
          HINT,
        );
      }
    }
  }
}

/** A component and those that it is made of; what is no component is refused where it is built. */
function* componentsIn(root: JsonPlace): Generator<JsonPlace> {
  const open = [root];
  for (let place = open.pop(); place; place = open.pop()) {
    if (typeof place.value !== 'object' || place.isAbsent || Array.isArray(place.value)) continue;
    yield place;
    for (const key of ['normalizers', 'pretokenizers', 'processors']) {
      const inner = place.get(key);
      if (Array.isArray(inner.value)) open.push(...inner.list().slice(0, MOST_COMPONENTS + 1));
    }
  }
}

const lengthOf = ({ value }: JsonPlace): number => (typeof value === 'string' ? value.length : 0);

/** Whether it can put something between characters: an expression may match nothing. */
function canBeEmpty(place: JsonPlace): boolean {
  const pattern = place.get('pattern');
  if (typeof pattern.value !== 'object' || pattern.isAbsent) return false;
  const { value: regex } = pattern.get('Regex');
  if (typeof regex !== 'string') return false;
  try {
    return isNullable(parse(regex));
  } catch {
    // It is not looked into: anchors, for instance, match nothing.
    return true;
  }
}
