/** A run of stars in a text, and the pairs that it belongs to. */
export interface Run {
  readonly kind: "run";
  readonly from: number;
  readonly to: number;
  readonly opens: boolean;
  readonly closes: boolean;
  /** From the innermost pair to the outermost. */
  readonly opening: Pair[];
  readonly closing: Pair[];
  /** The stars without a pair. */
  left: number;
}

interface Pair {
  readonly stars: 1 | 2;
  tooDeep: boolean;
}

/** What one cannot see counts as a space: it cannot hide a mark. */
const space = /^[\s\p{Cc}\p{Cf}]$/u;
const punctuation = /^[\p{P}\p{S}]$/u;
/** Scripts without spaces between words. */
const unspaced = /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]$/u;
const spaced = /^[\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{N}]$/u;

/**
 * runOf decides by the characters on either side whether a run may open and close, as CommonMark does, but for two
 * things: stars within a word are text (5*3*2), and next to a script without spaces a punctuation mark may be marked.
 */
export function runOf(source: string, from: number, to: number): Run {
  const before = /.$/su.exec(source.slice(Math.max(from - 2, 0), from))?.[0] ?? " ";
  const after = /^./su.exec(source.slice(to, to + 2))?.[0] ?? " ";
  const inWord = spaced.test(before) && spaced.test(after);
  const opens = !inWord && flanks(before, after);
  const closes = !inWord && flanks(after, before);
  return { kind: "run", from, to, opens, closes, opening: [], closing: [], left: to - from };
}

function flanks(outside: string, inside: string): boolean {
  if (space.test(inside)) return false;
  return !punctuation.test(inside) || [space, punctuation, unspaced].some((kind) => kind.test(outside));
}

/** pairUp pairs the runs of a paragraph: CommonMark's algorithm, whose time is linear. */
export function pairUp(runs: readonly Run[]): void {
  const openers: Run[] = [];
  // For each kind of closer, the number of openers below which it finds none.
  let floors: Record<string, number> = {};
  for (const run of runs) {
    const kind = `${run.opens} ${(run.to - run.from) % 3}`;
    while (run.closes && run.left > 0) {
      const at = openers.findLastIndex((opener, i) => i < (floors[kind] ?? 0) || matches(opener, run));
      const opener = openers[at];
      if (!opener || at < (floors[kind] ?? 0)) {
        floors[kind] = openers.length;
        break;
      }
      join(opener, run);
      openers.length = opener.left > 0 ? at + 1 : at;
      floors = Object.fromEntries(Object.entries(floors).map(([k, floor]) => [k, Math.min(floor, openers.length)]));
    }
    if (run.opens && run.left > 0) openers.push(run);
  }
}

function matches(opener: Run, closer: Run): boolean {
  if (!opener.closes && !closer.opens) return true;
  const [a, b] = [opener.to - opener.from, closer.to - closer.from];
  return (a + b) % 3 !== 0 || (a % 3 === 0 && b % 3 === 0);
}

function join(opener: Run, closer: Run): void {
  const pair: Pair = { stars: Math.min(opener.left, closer.left) >= 2 ? 2 : 1, tooDeep: false };
  opener.opening.push(pair);
  closer.closing.push(pair);
  opener.left -= pair.stars;
  closer.left -= pair.stars;
}
