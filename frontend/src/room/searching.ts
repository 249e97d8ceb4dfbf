import { beginning } from "@/text/beginning";
import { folded, placesOf } from "@/text/find";
import { visibleText } from "@/text/visible";
import type { Block, MessageRow, Row } from "./rows";

/** The page may do other things after so long. */
const sliceMs = 8;

/** Whether a message has a text in the part that is not shown at first. */
export function isFolded({ text }: MessageRow, sought: string): boolean {
  const shown = beginning(text);
  const count = (part: string) => placesOf(folded(visibleText(part)), folded(sought), text.length).length;
  return shown !== text && count(text) > count(shown);
}

/** Searcher finds messages in a list. It reads each message once, and gives the page time for other things meanwhile. */
export class Searcher {
  readonly #texts = new WeakMap<Row, string>();
  readonly #pause: () => Promise<void>;

  constructor(pause: () => Promise<void> = () => new Promise((resolve) => setTimeout(resolve))) {
    this.#pause = pause;
  }

  /**
   * Returns the keys of the messages that have a text in what is read of them, from top to bottom; undefined if it was
   * stopped.
   */
  async find(
    blocks: readonly Block[],
    text: string,
    signal: AbortSignal,
    isHidden: (row: MessageRow) => boolean = () => false,
  ): Promise<readonly string[] | undefined> {
    const sought = folded(text);
    const found: string[] = [];
    let since = performance.now();
    for (const row of blocks.flat()) {
      if (signal.aborted) return undefined;
      if (row.kind === "message" && !isHidden(row) && this.#textOf(row).includes(sought)) found.push(row.key);
      if (performance.now() - since < sliceMs) continue;
      await this.#pause();
      since = performance.now();
    }
    return signal.aborted ? undefined : found;
  }

  #textOf(row: MessageRow): string {
    let text = this.#texts.get(row);
    if (text === undefined) {
      text = folded(visibleText(row.text));
      this.#texts.set(row, text);
    }
    return text;
  }
}
