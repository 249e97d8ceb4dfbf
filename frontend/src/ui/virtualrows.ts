import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import type { Block, MessageRow, Row } from "@/room/rows";
import { Finder, Heights, type Part, partAround, type View } from "./part";

/** Rows that are mounted beyond the visible ones, on either side. */
const overscan = 8;

export type List = Virtualizer<HTMLElement, Element>;

export interface MountedRow {
  readonly row: Row;
  /** The index of the row in the part of the virtualizer; -1 for a pinned row outside that part. */
  readonly index: number;
  /** In pixels from the beginning of the list. */
  readonly start: number;
}

interface VirtualRows {
  readonly list: List;
  readonly mounted: readonly MountedRow[];
  /** The number of rows above the visible ones, and below them. */
  readonly rowsAbove: number;
  readonly rowsBelow: number;
  /** Where a row begins, in pixels from the beginning of the list; an estimate if it was never mounted. */
  startOf(key: string): number | undefined;
}

/**
 * useVirtualRows decides which rows are mounted, and where. With each change the virtualizer works through all its
 * rows, so it gets only the part around the reader; the rest counts as padding above and below.
 */
export function useVirtualRows(
  blocks: readonly Block[],
  scroller: RefObject<HTMLElement | null>,
  follows: boolean,
): VirtualRows {
  const before = useRef<{ list: List | null; blocks: readonly Block[]; part: Part | null }>(nothing);
  const [finder] = useState(() => new Finder());
  const [heights] = useState(() => new Heights((row) => heightOf(row, before.current.list)));
  const view = viewOf(before.current, blocks, heights, finder);
  const part = samePart(before.current.part, partAround(blocks, heights, view));
  const { rows } = part;
  const list = useVirtualizer<HTMLElement, Element>({
    count: rows.length,
    paddingStart: part.above,
    paddingEnd: part.below,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(rows[index]),
    getItemKey: useCallback((index: number) => rows[index]?.key ?? index, [rows]),
    overscan,
    anchorTo: "end",
    // A growing row moves the reader only at the end, and not if they have just left it.
    scrollEndThreshold: follows ? 1 : -1,
    // An estimate; following the end makes it exact.
    initialOffset: () => part.above + heights.sum(rows),
  });
  if (before.current.list !== list) anchorToMessages(list, () => before.current.part?.rows ?? []);
  before.current = { list, blocks, part };
  useEffect(() => forgetGone(list, blocks), [list, blocks]);
  const mounted = list.getVirtualItems().flatMap(({ index, start }) => {
    const row = rows[index];
    return row ? [{ row, index, start }] : [];
  });
  const find = (key: string) => placeOf(blocks, heights, finder, key);
  const lastVisible = part.rowsAbove + (list.range?.endIndex ?? rows.length - 1);
  return {
    list,
    mounted: withPinned(mounted, pinned(scroller.current), find),
    rowsAbove: part.rowsAbove + (list.range?.startIndex ?? 0),
    rowsBelow: blocks.reduce((sum, block) => sum + block.length, -1) - lastVisible,
    startOf: (key) => find(key)?.start,
  };
}

const nothing = { list: null, blocks: [], part: null };

function viewOf(
  { list, blocks: known }: { list: List | null; blocks: readonly Block[] },
  blocks: readonly Block[],
  heights: Heights,
  finder: Finder,
): View {
  if (list === null || list.scrollOffset === null) return { top: Number.POSITIVE_INFINITY, height: 0 };
  const view = { top: list.scrollOffset, height: list.scrollRect?.height ?? 0 };
  const first = blocks === known ? undefined : list.getVirtualItemForOffset(view.top);
  const place = first && placeOf(blocks, heights, finder, String(first.key));
  // The virtualizer keeps the first visible row in place; rows that were added above it move the view.
  return place ? { ...view, top: view.top + place.start - first.start } : view;
}

/**
 * When rows change, the library keeps the row at the top of the view in its place. This makes it a message behind a
 * message, because a divider may be gone then, or have got a page of older messages below it. The first message of the list may
 * become one that goes on a run, and lose its author: what follows does not move then. `rows` are those that the library
 * has measured.
 */
function anchorToMessages(list: List, rows: () => readonly Row[]): void {
  const rowAt = list.getVirtualItemForOffset;
  const begun = new Set<unknown>();
  list.getVirtualItemForOffset = (offset) => {
    const item = rowAt(offset);
    const all = rows();
    const top = all.find((row): row is MessageRow => row.kind === "message");
    if (begun.size > 100) begun.clear(); // they are far away by now
    if (top?.first) begun.add(top.key);
    const last = list.range?.endIndex ?? 0;
    for (let i = item?.index ?? 0; i <= last; i++) {
      if (all[i - 1]?.kind === "message" && all[i]?.kind === "message") return list.measurementsCache[i] ?? item;
    }
    return item;
  };
  list.shouldAdjustScrollPositionOnItemSizeChange = ({ index, key, start, size }) => {
    const row = rows()[index];
    const top = list.scrollOffset ?? 0;
    if (row?.kind === "message" && !row.first && begun.delete(key)) return true;
    // As the library does without this function.
    return list.itemSizeCache.has(key) ? start + size <= top && list.scrollDirection !== "backward" : start < top;
  };
}

function samePart(before: Part | null, part: Part): Part {
  const same =
    before?.blocks.length === part.blocks.length && part.blocks.every((block, i) => block === before.blocks[i]);
  return same ? { ...part, rows: before.rows } : part;
}

function placeOf(
  blocks: readonly Block[],
  heights: Heights,
  finder: Finder,
  key: string,
): { row: Row; start: number } | undefined {
  const found = finder.find(blocks, key);
  const block = blocks[found?.block ?? -1];
  const row = block?.[found?.index ?? -1];
  if (!found || !block || !row) return undefined;
  const above = blocks.slice(0, found.block).reduce((sum, other) => sum + heights.of(other), 0);
  return { row, start: above + heights.sum(block.slice(0, found.index)) };
}

/**
 * The rows with the focus or an end of the selection stay mounted. Otherwise the focus would return to the top of the
 * page, and the selection would end at another place.
 */
function pinned(list: HTMLElement | null): string[] {
  if (!list) return [];
  const selection = document.getSelection();
  const ends = selection?.isCollapsed === false ? [selection.anchorNode, selection.focusNode] : [];
  const rows = [list.querySelector("li:focus-within"), ...ends.map((node) => rowOf(node, list))];
  return [...new Set(rows.flatMap((row) => row?.getAttribute("data-key") ?? []))];
}

function rowOf(node: Node | null, list: HTMLElement): Element | null {
  const element = node instanceof Element ? node : (node?.parentElement ?? null);
  return element && list.contains(element) ? element.closest("li[data-key]") : null;
}

function withPinned(
  mounted: readonly MountedRow[],
  keys: readonly string[],
  find: (key: string) => { row: Row; start: number } | undefined,
): readonly MountedRow[] {
  const missing = keys.filter((key) => !mounted.some(({ row }) => row.key === key)).flatMap((key) => find(key) ?? []);
  if (missing.length === 0) return mounted;
  return [...mounted, ...missing.map((place) => ({ ...place, index: -1 }))].sort((a, b) => a.start - b.start);
}

/** Drops the heights of rows that are no longer in the list: the library keeps them for ever. */
function forgetGone({ itemSizeCache }: List, blocks: readonly Block[]): void {
  const rows = blocks.reduce((sum, block) => sum + block.length, 0);
  if (itemSizeCache.size < 2 * rows + 1000) return;
  const keys = new Set<unknown>(blocks.flatMap((block) => block.map((row) => row.key)));
  for (const key of itemSizeCache.keys()) if (!keys.has(key)) itemSizeCache.delete(key);
}

function heightOf(row: Row, list: List | null): number {
  return list?.itemSizeCache.get(row.key) ?? estimate(row);
}

/** The height of a row that is not measured yet. */
function estimate(row: Row | undefined): number {
  if (row?.kind !== "message") return 56;
  const lines = Math.ceil(row.text.length / 60);
  return 18 + Math.min(lines, 20) * 24 + (row.first ? 33 : 0);
}
