import { writeInline } from "./inline";
import { type Inline, type Leaf, type Line, Writer } from "./writer";

export type { Inline, Leaf };

/**
 * What a message is made of. The texts of a tree, in their order, are the message, unchanged: what is not shown is in
 * its markers. Besides texts, only the http(s) address of a link comes from the message.
 */
export type Block =
  | { kind: "text"; inside: Inline[] }
  | { kind: "fence"; info: Leaf[]; code: Leaf[] }
  | { kind: "quote"; inside: Block[] }
  | { kind: "list"; ordered: boolean; items: Item[] }
  | { kind: "marker"; text: string };

/** The label of an item is its number, as it was typed; an item of an unordered list has none. */
export interface Item {
  readonly label: Leaf[];
  readonly inside: Block[];
}

/** Quotes and lists within each other; deeper ones are text. */
const maxDepth = 6;

const fenceMark = /^ {0,3}(`{3,})[ \t]*([^`]*)$/;
const quoteMark = /^ {0,3}>(?:[ \t]|(?=>|\r?$))/;
const itemMark = /^( {0,3})([-*]|\d{1,9}[.)])[ \t]{1,4}(?=\S)/;
/** A line of dashes or stars, such as a rule. */
const rule = /^[-*][-* \t]*$/;
const anyMark = /[*`]|^[ \t]*(?:>|-[ \t]|\d{1,9}[.)][ \t])/m;

/** Whether a text may have formatting: most have none, and need no tree. */
export function mayHaveFormat(text: string): boolean {
  return anyMark.test(text);
}

/** format never fails. Its time grows with the length of the text, and the depth of its tree is bounded. */
export function format(text: string): Block[] {
  const writer = new Writer(text);
  const blocks = new Blocks(writer).read(linesOf(text), 0);
  writer.end(blocks);
  return blocks;
}

function linesOf(text: string): Line[] {
  let from = 0;
  return text.split("\n").map((line) => {
    const found = { from, to: from + line.length };
    from = found.to + 1;
    return found;
  });
}

/** Reads lines into blocks. The lines of a quote or an item are read again without its marks, at most maxDepth times. */
class Blocks {
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  read(lines: readonly Line[], depth: number): Block[] {
    const blocks: Block[] = [];
    let texts: Line[] = [];
    const endText = () => {
      const shown = this.#withoutBlanks(texts);
      if (shown.length > 0) blocks.push({ kind: "text", inside: this.#inline(shown) });
      texts = [];
    };
    for (let at = 0; at < lines.length; ) {
      const length = this.#blockLength(lines, at, depth);
      const block = lines.slice(at, at + Math.max(length, 1));
      at += block.length;
      if (length === 0 || !this.#showsSomething(block)) {
        texts.push(...block);
        continue;
      }
      endText();
      blocks.push(this.#block(block, depth));
    }
    endText();
    return blocks;
  }

  /** How many lines the block has that begins here; 0 if none begins. */
  #blockLength(lines: readonly Line[], at: number, depth: number): number {
    const line = this.#text(lines[at]);
    const ticks = fenceMark.exec(line)?.[1];
    if (ticks !== undefined) return this.#fenceLength(lines, at, ticks.length);
    if (depth >= maxDepth) return 0;
    if (quoteMark.test(line)) return countWhile(lines, at, (next) => quoteMark.test(this.#text(next)));
    const item = itemOf(line);
    return item ? this.#listLength(lines, at, item) : 0;
  }

  /** A fence without an end goes to the end of what it is in. */
  #fenceLength(lines: readonly Line[], at: number, ticks: number): number {
    const inside = countWhile(lines, at + 1, (line) => !endsFence(this.#text(line), ticks));
    return Math.min(inside + 2, lines.length - at);
  }

  /** The items of one kind, with the lines that are indented as far as their text, and blank lines between them. */
  #listLength(lines: readonly Line[], at: number, first: Mark): number {
    let { width } = first;
    let length = 1;
    for (let next = at + 1; next < lines.length; next++) {
      const line = this.#text(lines[next]);
      if (isBlank(line)) continue;
      const item = indentOf(line) < width ? itemOf(line) : undefined;
      if (item?.ordered === first.ordered) width = item.width;
      else if (indentOf(line) < width) break;
      length = next + 1 - at;
    }
    return length;
  }

  /** Whether a block is more than its marks: if not, they are text. */
  #showsSomething(block: readonly Line[]): boolean {
    const first = this.#text(block[0]);
    if (fenceMark.test(first)) return block.slice(1).some((line) => /[^\s\p{Cf}`]/u.test(this.#text(line)));
    return !quoteMark.test(first) || block.some((line) => /[^\s\p{Cf}>]/u.test(this.#text(line)));
  }

  #block(lines: readonly Line[], depth: number): Block {
    const first = this.#text(lines[0]);
    if (fenceMark.test(first)) return this.#fence(lines);
    const item = itemOf(first);
    if (item) return { kind: "list", ordered: item.ordered, items: this.#items(lines, depth) };
    const inside = lines.map(({ from, to }) => ({ from: from + lengthOf(quoteMark, this.#text({ from, to })), to }));
    return { kind: "quote", inside: this.read(inside, depth + 1) };
  }

  #fence(lines: readonly Line[]): Block {
    const [, ticks = "", words = ""] = fenceMark.exec(this.#text(lines[0])) ?? [];
    const isClosed = endsFence(this.#text(lines.at(-1)), ticks.length);
    const to = lines[0]?.to ?? 0;
    const info = this.#leaves([{ from: to - words.length, to: to - words.length + words.trimEnd().length }]);
    return { kind: "fence", info, code: this.#leaves(lines.slice(1, isClosed ? -1 : undefined)) };
  }

  #items(lines: readonly Line[], depth: number): Item[] {
    const items: Item[] = [];
    for (let at = 0; at < lines.length; ) {
      const { from, to } = lines[at] ?? { from: 0, to: 0 };
      const { ordered = false, indent = 0, label = 0, width = 0 } = itemOf(this.#text({ from, to })) ?? {};
      const more = countWhile(lines, at + 1, (line) => {
        const text = this.#text(line);
        return isBlank(text) || indentOf(text) >= width;
      });
      at += more + 1;
      const others = lines.slice(at - more, at).map((line) => this.#outdented(line, width));
      const begin = from + indent;
      items.push({
        label: ordered ? this.#leaves([{ from: begin, to: begin + label }]) : [],
        inside: this.read([{ from: from + width, to }, ...others], depth + 1),
      });
    }
    return items;
  }

  #outdented(line: Line, width: number): Line {
    return { from: line.from + Math.min(width, indentOf(this.#text(line))), to: line.to };
  }

  #leaves(lines: readonly Line[]): Leaf[] {
    const leaves: Leaf[] = [];
    this.#writer.within(lines);
    this.#writer.text(leaves, lines[0]?.from ?? 0, lines.at(-1)?.to ?? 0);
    return leaves;
  }

  #inline(lines: readonly Line[]): Inline[] {
    const inside: Inline[] = [];
    this.#writer.within(lines);
    for (let at = 0; at < lines.length; ) {
      const length = countWhile(lines, at, (line) => !isBlank(this.#text(line)));
      const [first, last] = [lines[at], lines[at + length - 1]];
      if (first && last && length > 0) writeInline(this.#writer, first.from, last.to, inside);
      at += Math.max(length, 1);
      const [before, next] = [lines[at - 1], lines[at]];
      if (before && next) this.#writer.text(inside, length > 0 ? before.to : before.from, next.from);
    }
    return inside;
  }

  #withoutBlanks(lines: readonly Line[]): readonly Line[] {
    const shows = (line: Line) => !isBlank(this.#text(line));
    const first = lines.findIndex(shows);
    return first < 0 ? [] : lines.slice(first, lines.findLastIndex(shows) + 1);
  }

  #text(line: Line | undefined): string {
    return line ? this.#writer.source.slice(line.from, line.to) : "";
  }
}

interface Mark {
  readonly ordered: boolean;
  readonly indent: number;
  /** The length of the label, and of all that comes before the text of the item. */
  readonly label: number;
  readonly width: number;
}

function itemOf(line: string): Mark | undefined {
  const [all, indent = "", label = ""] = itemMark.exec(line) ?? [];
  if (all === undefined || rule.test(line.trim())) return undefined;
  return { ordered: label.length > 1, indent: indent.length, label: label.length, width: all.length };
}

function endsFence(line: string, ticks: number): boolean {
  const [, found = "", words = ""] = fenceMark.exec(line) ?? [];
  return ticks > 0 && found.length >= ticks && isBlank(words);
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

function indentOf(line: string): number {
  return lengthOf(/^[ \t]*/, line);
}

function lengthOf(mark: RegExp, line: string): number {
  return mark.exec(line)?.[0].length ?? 0;
}

function countWhile<T>(items: readonly T[], from: number, holds: (item: T) => boolean): number {
  let end = from;
  for (let item = items[end]; item !== undefined && holds(item); item = items[end]) end++;
  return end - from;
}
