import { linkify } from "./addresses";
import { pairUp, type Run, runOf } from "./emphasis";
import type { Inline, Leaf, Writer } from "./writer";

/** Strong and emphasis within each other; deeper stars are text. */
const maxDepth = 6;

type Part =
  | { kind: "text"; from: number; to: number }
  | { kind: "link"; from: number; to: number; href: string }
  | { kind: "code"; from: number; to: number }
  | Run;

/** writeInline writes a paragraph, which ends at a blank line: its marks have no effect beyond. */
export function writeInline(writer: Writer, from: number, to: number, into: Inline[]): void {
  const parts = partsOf(writer.source, from, to);
  pairUp(parts.filter((part): part is Run => part.kind === "run"));
  const nest = new Nest(writer, into);
  for (const part of parts) nest.write(part);
}

/** Code first, then addresses, which may contain stars, then stars. */
function partsOf(source: string, from: number, to: number): Part[] {
  const parts: Part[] = [];
  let at = from;
  for (const code of codeSpans(source, from, to)) {
    parts.push(...linkParts(source, at, code.open), { kind: "code", ...code.inside });
    at = code.close;
  }
  parts.push(...linkParts(source, at, to));
  return parts;
}

interface Code {
  readonly open: number;
  readonly inside: { readonly from: number; readonly to: number };
  readonly close: number;
}

/** A run of backticks opens code if there is another of the same length: the next one closes it. Empty code is text. */
function codeSpans(source: string, from: number, to: number): Code[] {
  const runs = [...source.slice(from, to).matchAll(/`+/g)].map(({ 0: ticks, index }) => ({
    from: from + index,
    to: from + index + ticks.length,
    escaped: index > 0 && source[from + index - 1] === "\\",
  }));
  const closers = new Map<number, number[]>();
  for (const run of runs.toReversed()) {
    const same = closers.get(run.to - run.from);
    if (same) same.push(run.from);
    else closers.set(run.to - run.from, [run.from]);
  }
  const codes: Code[] = [];
  let done = from;
  for (const run of runs) {
    if (run.from < done) continue;
    const open = run.escaped ? run.from + 1 : run.from;
    const close = nextAfter(run.from, closers.get(run.to - open));
    if (close === undefined || !/[^\s\p{Cf}]/u.test(source.slice(run.to, close))) continue;
    done = close + run.to - open;
    codes.push({ open, inside: unpadded(source, run.to, close), close: done });
  }
  return codes;
}

/** Drops the places up to this one, which nobody asks for again; the nearest is the last of the list. */
function nextAfter(place: number, places: number[] = []): number | undefined {
  while ((places.at(-1) ?? Infinity) <= place) places.pop();
  return places.at(-1);
}

/** One space on either side parts the code from its backticks. */
function unpadded(source: string, from: number, to: number): Code["inside"] {
  const padded = source[from] === " " && source[to - 1] === " ";
  return padded ? { from: from + 1, to: to - 1 } : { from, to };
}

function linkParts(source: string, from: number, to: number): Part[] {
  let at = from;
  return linkify(source.slice(from, to)).flatMap((piece): Part[] => {
    const begin = at;
    at += piece.text.length;
    if (piece.kind === "text") return starParts(source, begin, at);
    return [{ kind: "link", from: begin, to: at, href: piece.href }];
  });
}

/** A backslash before a star or a backtick is a marker that makes it text. */
function starParts(source: string, from: number, to: number): Part[] {
  const parts: Part[] = [];
  let at = from;
  for (const { 0: found, index } of source.slice(from, to).matchAll(/\\[*`]|\*+/g)) {
    const [begin, end] = [from + index, from + index + found.length];
    if (begin > at) parts.push({ kind: "text", from: at, to: begin });
    at = found.startsWith("\\") ? begin + 1 : end;
    if (at === end) parts.push(runOf(source, begin, end));
    else parts.push({ kind: "text", from: at, to: end });
    at = end;
  }
  if (to > at) parts.push({ kind: "text", from: at, to });
  return parts;
}

/** Nest writes parts into the strong and emphasis that are open. */
class Nest {
  readonly #writer: Writer;
  readonly #open: Inline[][];

  constructor(writer: Writer, into: Inline[]) {
    this.#writer = writer;
    this.#open = [into];
  }

  write(part: Part): void {
    switch (part.kind) {
      case "text":
        this.#writer.text(this.#top, part.from, part.to);
        break;
      case "link":
        this.#writer.link(this.#top, part.from, part.to, part.href);
        break;
      case "code":
        this.#code(part.from, part.to);
        break;
      case "run":
        this.#run(part);
    }
  }

  get #top(): Inline[] {
    return this.#open.at(-1) ?? [];
  }

  #code(from: number, to: number): void {
    const inside: Leaf[] = [];
    this.#writer.text(inside, from, to);
    this.#top.push({ kind: "code", inside });
  }

  /** Of a run, the first stars close, the last ones open, and those between are text. */
  #run({ from, to, closing, opening }: Run): void {
    let at = from;
    for (const pair of closing) {
      if (pair.tooDeep) this.#writer.text(this.#top, at, at + pair.stars);
      else this.#open.pop();
      at += pair.stars;
    }
    const opens = to - opening.reduce((sum, pair) => sum + pair.stars, 0);
    this.#writer.text(this.#top, at, opens);
    at = opens;
    for (const pair of opening.toReversed()) {
      pair.tooDeep = this.#open.length > maxDepth;
      if (pair.tooDeep) this.#writer.text(this.#top, at, at + pair.stars);
      else this.#begin(pair.stars);
      at += pair.stars;
    }
  }

  #begin(stars: 1 | 2): void {
    const inside: Inline[] = [];
    this.#top.push({ kind: stars === 2 ? "strong" : "emphasis", inside });
    this.#open.push(inside);
  }
}
