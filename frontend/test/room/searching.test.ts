import { expect, test, vi } from "vitest";
import { nobody } from "@/people/identity";
import { type MessageRow, RowBuilder } from "@/room/rows";
import { isFolded, Searcher } from "@/room/searching";
import { placed } from "../make";

const always = new AbortController().signal;

function blocksOf(texts: readonly string[]) {
  const entries = texts.map((message, n) => placed(n, { message }));
  return new RowBuilder().update({ entries, gaps: [], more: false }, [], nobody);
}

test("finds what is read, without regard to case, from top to bottom", async () => {
  const blocks = blocksOf(["Cats", "dogs", "many *cats*", "c a t s", "many CATS"]);
  const keys = await new Searcher().find(blocks, "cats", always);
  expect(keys).toEqual([placed(0).offset, placed(2).offset, placed(4).offset]);
});

test("does not find what is hidden", async () => {
  const isHidden = ({ text }: { text: string }) => text.includes("2");
  const keys = await new Searcher().find(blocksOf(["cat 1", "cat 2"]), "cat", always, isHidden);
  expect(keys).toEqual([placed(0).offset]);
});

test("10,000 long messages do not block the page, and each is read once", async () => {
  const blocks = blocksOf(Array.from({ length: 10_000 }, (_, n) => `*${n}* ${"and some more words ".repeat(10)}`));
  const pause = vi.fn(async () => {
    await new Promise((resolve) => setTimeout(resolve));
  });
  const searcher = new Searcher(pause);
  expect(await searcher.find(blocks, "9999 and", always)).toHaveLength(1);
  expect(pause.mock.calls.length).toBeGreaterThan(1);
  const lower = vi.spyOn(String.prototype, "toLowerCase");
  expect(await searcher.find(blocks, "some more", always)).toHaveLength(10_000);
  expect(lower.mock.calls.length).toBeLessThan(3);
  lower.mockRestore();
});

test("a search that is stopped finds nothing", async () => {
  const stop = new AbortController();
  const pause = async () => stop.abort();
  const blocks = blocksOf(Array.from({ length: 5000 }, () => "*x* ".repeat(200)));
  expect(await new Searcher(pause).find(blocks, "x", stop.signal)).toBeUndefined();
});

test("a match is folded if the beginning of a long message does not have it", () => {
  const row = (text: string) =>
    blocksOf([text])
      .flat()
      .find((one): one is MessageRow => one.kind === "message");
  const folds = (text: string, sought: string) => {
    const message = row(text);
    return message && isFolded(message, sought);
  };
  const long = `cats at the begin\n${"line\n".repeat(50)}*dogs* at the end`;
  expect(folds(long, "CATS")).toBe(false);
  expect(folds(long, "dogs")).toBe(true);
  expect(folds(`${long}, and cats`, "cats")).toBe(true);
  expect(folds("cats and dogs", "dogs")).toBe(false);
  expect(folds(`${"word ".repeat(300)}end`, "end")).toBe(true);
});
