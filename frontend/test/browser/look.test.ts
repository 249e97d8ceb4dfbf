// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test } from "vitest";
import { lookScript, storedLook, usualLook } from "@/browser/look";
import { storageMemory } from "@/browser/memory";
import { FakeMemory } from "../fakelink";

const root = document.documentElement;
const schemes = ["light", "dark"].map((scheme) => `(prefers-color-scheme: ${scheme})`);

beforeEach(() => {
  document.head.innerHTML = schemes.map((media) => `<meta name="theme-color" media="${media}">`).join("");
});
afterEach(() => {
  localStorage.clear();
  delete window.chatLook;
  for (const name of Object.keys(root.dataset)) delete root.dataset[name];
});

/** What a page does before it is painted. */
const begin = () => new Function(lookScript)();
const metas = () => [...document.querySelectorAll("meta")].map((meta) => meta.getAttribute("media"));

test("a chosen look is there before the page, changes at once, and can be that of the system again", () => {
  localStorage.setItem("chat.look", JSON.stringify({ theme: "dark", size: 115 }));
  begin();
  expect({ ...root.dataset }).toMatchObject({ theme: "dark", size: "115" });
  expect(metas()).toEqual(["not all", "all"]);
  const look = storedLook(storageMemory(() => localStorage));
  expect(look.get()).toEqual({ theme: "dark", size: 115 });
  look.set({ theme: "light" });
  expect({ ...root.dataset }).toMatchObject({ theme: "light", size: "115" });
  expect(metas()).toEqual(["all", "not all"]);
  look.set({ theme: "system" });
  expect(metas()).toEqual(schemes);
});

test("another tab changes the look of this one", () => {
  begin();
  const browser = new FakeMemory();
  const [one, two] = [storedLook(browser), storedLook(browser)];
  two.set({ theme: "dark" });
  root.dataset.theme = "";
  one.reread();
  expect(one.get().theme).toBe("dark");
  expect(root.dataset.theme).toBe("dark");
});

test.each(["{", "null", "[]", '"dark"', '{"theme":"sepia","size":1000}', '{"theme":{},"size":"100"}', ""])(
  "what another version stored, %s, is no reason to fail",
  (text) => {
    localStorage.setItem("chat.look", text);
    begin();
    expect(metas()).toEqual(schemes);
    expect(storedLook(storageMemory(() => localStorage)).get()).toEqual(usualLook);
  },
);

test("a storage that is blocked or full keeps the look for the page", () => {
  begin();
  const look = storedLook(
    storageMemory(() => {
      throw new DOMException("no", "SecurityError");
    }),
  );
  look.set({ size: 130 });
  expect(look.get()).toEqual({ theme: "system", size: 130 });
  expect(root.dataset.size).toBe("130");
});

test("the people stay away over reloads until they are wanted again, and the look with them", () => {
  const browser = new FakeMemory();
  storedLook(browser).set({ theme: "dark", withoutPeople: true });
  expect(storedLook(browser).get()).toEqual({ theme: "dark", size: 100, withoutPeople: true });
  storedLook(browser).set({ withoutPeople: false });
  expect(storedLook(browser).get()).toEqual({ theme: "dark", size: 100 });
});

test.each(["1", '"true"', "{}", "[]", "null"])(
  "a wish of another version, %s, leaves the people where they are",
  (wish) => {
    const browser = new FakeMemory();
    browser.set("chat.look", `{"theme":"dark","withoutPeople":${wish}}`);
    expect(storedLook(browser).get()).toEqual({ theme: "dark", size: 100 });
  },
);
