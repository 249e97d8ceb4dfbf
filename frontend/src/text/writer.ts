/** A node of a tree: what is shown, or a marker, which formats and is not shown. The other nodes are made of these. */
export type Leaf = { kind: "text"; text: string } | { kind: "marker"; text: string };

export type Inline =
  | Leaf
  | { kind: "link"; text: string; href: string }
  | { kind: "code"; inside: Leaf[] }
  | { kind: "strong" | "emphasis"; inside: Inline[] };

/** A line, or what is left of it within a quote or an item: two places in the source, without the line feed. */
export interface Line {
  readonly from: number;
  readonly to: number;
}

/** Writer writes a tree in the order of the source. What nobody writes becomes a marker: the tree has all of the text. */
export class Writer {
  readonly source: string;
  #done = 0;
  #lines: readonly Line[] = [];
  #line = 0;

  constructor(source: string) {
    this.source = source;
  }

  /** Tells the lines of what is written next. What is between them, such as the marks of a quote, becomes a marker. */
  within(lines: readonly Line[]): void {
    this.#lines = lines;
    this.#line = 0;
  }

  text(into: (Inline | Leaf)[], from: number, to: number): void {
    for (let line = this.#lines[this.#line]; line; line = this.#lines[++this.#line]) {
      const [begin, end] = [Math.max(from, line.from), Math.min(to, line.to + 1)];
      if (begin < end) this.#text(into, begin, end);
      if (to <= line.to + 1) return;
    }
  }

  link(into: Inline[], from: number, to: number, href: string): void {
    this.#skipTo(into, from);
    into.push({ kind: "link", text: this.source.slice(from, to), href });
    this.#done = to;
  }

  /** Ends a tree with the marker at the end of the source. */
  end(into: { kind: string }[]): void {
    this.#skipTo(into, this.source.length);
  }

  #text(into: (Inline | Leaf)[], from: number, to: number): void {
    const last = from === this.#done ? into.at(-1) : undefined;
    this.#skipTo(into, from);
    const text = this.source.slice(from, to);
    if (last?.kind === "text") last.text += text;
    else into.push({ kind: "text", text });
    this.#done = to;
  }

  #skipTo(into: object[], from: number): void {
    if (from > this.#done) into.push({ kind: "marker", text: this.source.slice(this.#done, from) });
    this.#done = from;
  }
}
