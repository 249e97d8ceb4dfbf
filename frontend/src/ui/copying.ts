import { type RefObject, useEffect } from "react";
import type { Block, MessageRow } from "@/room/rows";
import { copiedTime } from "./times";

/**
 * useCopying puts quotable text on the clipboard: one line for each message, with its author, date and time. A
 * selection within one message is copied as it is, with the marks of its format. Messages between the ends of a selection count, mounted or not.
 */
export function useCopying(scroller: RefObject<HTMLElement | null>, blocks: readonly Block[]): void {
  useEffect(() => {
    const copied = (event: ClipboardEvent) => {
      const [list, range] = [scroller.current, selectedRange(event)];
      if (!list || !range?.intersectsNode(list)) return;
      const text = quotation(list, range, blocks);
      if (text === "") return;
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
    };
    document.addEventListener("copy", copied);
    return () => document.removeEventListener("copy", copied);
  }, [scroller, blocks]);
}

/** The selection of the page; undefined if there is none, or if it is in an input. */
function selectedRange({ target }: ClipboardEvent): Range | undefined {
  const selection = document.getSelection();
  if (target instanceof Element && target.closest("input, textarea")) return undefined;
  return selection && selection.rangeCount > 0 && !selection.isCollapsed ? selection.getRangeAt(0) : undefined;
}

interface Piece {
  readonly row: MessageRow;
  readonly text: string;
  /** Whether the selection begins before the text, so that it includes the author. */
  readonly whole: boolean;
}

function quotation(list: HTMLElement, range: Range, blocks: readonly Block[]): string {
  const rows = blocks.flat();
  const at = (node: Node, otherwise: number) => {
    const key = (node instanceof Element ? node : node.parentElement)
      ?.closest("li[data-key]")
      ?.getAttribute("data-key");
    const index = rows.findIndex((row) => row.key === key);
    return index < 0 ? otherwise : index;
  };
  const [first, last] = [at(range.startContainer, 0), at(range.endContainer, rows.length - 1)];
  const pieces = rows.slice(first, last + 1).flatMap((row) => (row.kind === "message" ? piece(list, range, row) : []));
  const [only] = pieces;
  if (pieces.length === 1 && only && !only.whole) return only.text;
  return pieces.map(({ row, text }) => `[${copiedTime(row.at)}] ${row.username}: ${text}`).join("\n");
}

function piece(list: HTMLElement, range: Range, row: MessageRow): Piece[] {
  const text = list.querySelector(`li[data-key="${CSS.escape(row.key)}"] [data-text]`);
  if (!text) return [{ row, text: row.text, whole: true }];
  if (!range.intersectsNode(text)) return [];
  const [begins, ends] = [text.contains(range.startContainer), text.contains(range.endContainer)];
  if (!begins && !ends) return [{ row, text: row.text, whole: true }];
  const clipped = document.createRange();
  clipped.selectNodeContents(text);
  if (begins) clipped.setStart(range.startContainer, range.startOffset);
  if (ends) clipped.setEnd(range.endContainer, range.endOffset);
  if (showsAll(clipped, text)) clipped.selectNodeContents(text);
  const selected = clipped.toString();
  return selected === "" ? [] : [{ row, text: selected, whole: !begins }];
}

/** Whether nothing but marks is outside a selection. Who selects code wants code. */
function showsAll(range: Range, text: Element): boolean {
  const [before, after] = [document.createRange(), document.createRange()];
  before.setStart(text, 0);
  before.setEnd(range.startContainer, range.startOffset);
  after.setStart(range.endContainer, range.endOffset);
  after.setEnd(text, text.childNodes.length);
  const { commonAncestorContainer: node } = range;
  const isCode = (node instanceof Element ? node : node.parentElement)?.closest("code");
  return !isCode && !shows(before) && !shows(after);
}

function shows(range: Range): boolean {
  const part = range.cloneContents();
  for (const marker of part.querySelectorAll("[hidden]")) marker.remove();
  return part.textContent !== "";
}
