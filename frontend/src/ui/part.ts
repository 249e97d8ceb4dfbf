import type { Block, Row } from "@/room/rows";

/** The part of the list that the virtualizer gets, so that its work does not grow with the list. */
export interface Part {
  readonly blocks: readonly Block[];
  readonly rows: readonly Row[];
  /** The rows and pixels above the part, and the pixels below. */
  readonly rowsAbove: number;
  readonly above: number;
  readonly below: number;
}

/** The visible range of the list, in pixels from its beginning. */
export interface View {
  readonly top: number;
  readonly height: number;
}

/** Heights adds up the heights of blocks. It caches blocks that are not mounted: they do not change. */
export class Heights {
  readonly #heightOf: (row: Row) => number;
  readonly #known = new WeakMap<Block, number>();

  constructor(heightOf: (row: Row) => number) {
    this.#heightOf = heightOf;
  }

  of(block: Block): number {
    let height = this.#known.get(block);
    if (height === undefined) {
      height = this.sum(block);
      this.#known.set(block, height);
    }
    return height;
  }

  sum(rows: readonly Row[]): number {
    return rows.reduce((sum, row) => sum + this.#heightOf(row), 0);
  }

  /** Drops these blocks from the cache: their rows are about to be measured. */
  forget(blocks: readonly Block[]): void {
    for (const block of blocks) this.#known.delete(block);
  }
}

/** partAround returns the visible blocks and one more on either side. */
export function partAround(blocks: readonly Block[], heights: Heights, { top, height }: View): Part {
  const tops = [0];
  for (const block of blocks) tops.push((tops.at(-1) ?? 0) + heights.of(block));
  const total = tops.at(-1) ?? 0;
  const place = Math.max(Math.min(top, total - height), 0);
  const after = tops.findIndex((begin, i) => i > 0 && begin > place); // the block before it is the first visible one
  const first = Math.max((after < 0 ? blocks.length : after) - 2, 0);
  const below = tops.findIndex((begin) => begin >= place + height);
  const last = Math.min(below < 0 ? blocks.length : below + 1, blocks.length);
  const part = blocks.slice(first, last);
  heights.forget(part);
  const rowsAbove = blocks.slice(0, first).reduce((sum, block) => sum + block.length, 0);
  return { blocks: part, rows: part.flat(), rowsAbove, above: tops[first] ?? 0, below: total - (tops[last] ?? total) };
}

/** Finder finds rows by their keys. It looks first where it found them before. */
export class Finder {
  readonly #found = new Map<string, Block>();

  /** The indices of the block and of the row in it; undefined if the row is gone. */
  find(blocks: readonly Block[], key: string): { block: number; index: number } | undefined {
    const known = this.#found.get(key);
    const hint = known === undefined ? -1 : blocks.indexOf(known);
    const found = hint >= 0 ? at(blocks, hint, key) : undefined;
    return found ?? this.#search(blocks, key);
  }

  /** Searches from the end, where most readers are. */
  #search(blocks: readonly Block[], key: string): { block: number; index: number } | undefined {
    for (let i = blocks.length - 1; i >= 0; i--) {
      const found = at(blocks, i, key);
      const block = blocks[i];
      if (found === undefined || block === undefined) continue;
      if (this.#found.size > 16) this.#found.clear();
      this.#found.set(key, block);
      return found;
    }
    return undefined;
  }
}

function at(blocks: readonly Block[], block: number, key: string): { block: number; index: number } | undefined {
  const index = blocks[block]?.findIndex((row) => row.key === key) ?? -1;
  return index < 0 ? undefined : { block, index };
}
