import { folded, placesOf } from "@/text/find";

/** So many marks are in one message at most. */
const mostMarks = 100;

/** Marks a text in the messages that are mounted, across their format; those of one row differently. Browsers without it mark none. */
export function highlight(list: HTMLElement, sought: string, current: string | undefined): void {
  if (!CSS.highlights) return;
  const [all, now] = [new Highlight(), new Highlight()];
  for (const text of list.querySelectorAll<HTMLElement>("li [data-text]")) {
    const isNow = text.closest("li[data-key]")?.getAttribute("data-key") === current;
    for (const range of rangesOf(text, folded(sought))) (isNow ? now : all).add(range);
  }
  CSS.highlights.set("found", all);
  CSS.highlights.set("found-now", now);
}

/** Where a mounted row has a text first. */
export function firstMatch(row: HTMLElement, sought: string): Range | undefined {
  const text = row.querySelector<HTMLElement>("[data-text]");
  return text ? rangesOf(text, folded(sought))[0] : undefined;
}

export function endHighlight(): void {
  CSS.highlights?.delete("found");
  CSS.highlights?.delete("found-now");
}

/** The ranges of a text in an element. What is not shown does not count. */
function rangesOf(element: HTMLElement, sought: string): Range[] {
  const nodes: { node: Text; from: number }[] = [];
  let text = "";
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement?.closest("[hidden]") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  for (let node = walker.nextNode(); node instanceof Text; node = walker.nextNode()) {
    nodes.push({ node, from: text.length });
    text += node.data;
  }
  const at = (place: number) => nodes.findLast(({ from }) => from <= place);
  return placesOf(folded(text), sought, mostMarks).flatMap((place) => {
    const [begin, end] = [at(place), at(place + sought.length - 1)];
    if (!begin || !end) return [];
    const range = new Range();
    range.setStart(begin.node, place - begin.from);
    range.setEnd(end.node, place + sought.length - end.from);
    return [range];
  });
}
