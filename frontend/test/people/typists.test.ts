import { describe, expect, test } from "vitest";

import { Hidden } from "@/people/hidden";
import { heardTyping, type Named, namedTypists, type Typists, withoutHidden } from "@/people/typists";
import { FakeMemory } from "../fakelink";

test("at most three typists are named", () => {
  const names = ["ann", "bob", "cy", "dee", "eve"];
  let typists: Typists = [];
  const named = names.map((username) => {
    typists = heardTyping(typists, { username, id: username, typing: true }, 0);
    return namedTypists(typists);
  });
  expect(named.at(2)).toEqual({ names: ["ann", "bob", "cy"], more: 0 });
  expect(named.at(-1)).toEqual({ names: ["ann", "bob", "cy"], more: 2 });
});

describe("a notice names no id", () => {
  const open = { id: "g-1", name: "bob" };
  const concealed = { id: "g-2", name: "bob" };
  const typing = (...names: string[]): Typists => names.map((username) => ({ id: username, username, until: 1 }));
  const shown = (known: Named[], ...names: string[]) => {
    const hidden = new Hidden(new FakeMemory());
    hidden.hide("g-2", "eve");
    return withoutHidden(typing(...names), known, hidden).map(({ username }) => username);
  };

  test("it is shown unless all who are known by its name are hidden", () => {
    expect(shown([], "bob", "eve")).toEqual(["bob"]); // eve is the name that the record has
    expect(shown([concealed], "bob", "eve", "ann")).toEqual(["ann"]);
    expect(shown([concealed, open], "bob")).toEqual(["bob"]);
    expect(shown([concealed, { id: undefined, name: "bob" }], "bob")).toEqual(["bob"]);
    expect(shown([{ id: "g-3", name: "eve" }], "eve")).toEqual(["eve"]);
  });

  test("a long name is recognised by the part that is recorded", () => {
    const hidden = new Hidden(new FakeMemory());
    const long = "👩🏽‍🚀".repeat(12);
    hidden.hide("g-2", long);
    expect(withoutHidden(typing(long), [], hidden)).toEqual([]);
    expect(hidden.getPeople()[0]?.name).toBe("👩🏽‍🚀".repeat(9)); // no half of an emoji
  });

  test("without hidden people the list is the same object", () => {
    const state = typing("ann");
    expect(withoutHidden(state, [open], new Hidden(new FakeMemory()))).toBe(state);
  });
});
