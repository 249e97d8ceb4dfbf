import type { Block, Inline, Item } from "@/text/format";

type Node = Block | Inline;

const names = {
  strong: "b",
  emphasis: "i",
  code: "code",
  quote: "quote",
  link: "a",
  fence: "fence",
  text: "p",
} as const;

/** The visible part of a tree, in a notation that is easy to compare. */
export function outline(nodes: readonly Node[]): string {
  return nodes.map(outlineOf).join("");
}

function outlineOf(node: Node): string {
  switch (node.kind) {
    case "marker":
      return "";
    case "list":
      return node.items
        .map(({ label, inside }) => `<li${outline(label) && ` ${outline(label)}`}>${outline(inside)}</li>`)
        .join("");
    case "fence":
      return `<fence ${outline(node.info)}>${outline(node.code)}</fence>`;
    case "link":
      return `<a>${node.text}</a>`;
    default:
      if ("text" in node) return node.text;
      return `<${names[node.kind]}>${outline(node.inside)}</${names[node.kind]}>`;
  }
}

/** All leaves in their order: texts, links and markers. */
export function leaves(nodes: readonly (Node | Item)[]): { kind: string; text: string }[] {
  return nodes.flatMap((node) => {
    if ("items" in node) return leaves(node.items);
    if ("label" in node) return [...leaves(node.label), ...leaves(node.inside)];
    if ("code" in node) return [...leaves(node.info), ...leaves(node.code)];
    return "inside" in node ? leaves(node.inside) : [node];
  });
}

export function depth(nodes: readonly (Node | Item)[]): number {
  return Math.max(
    0,
    ...nodes.map((node) => 1 + ("items" in node ? depth(node.items) : "inside" in node ? depth(node.inside) : 0)),
  );
}
