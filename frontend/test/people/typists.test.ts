import { expect, test } from "vitest";

import { heardTyping, namedTypists, type Typists } from "@/people/typists";

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
