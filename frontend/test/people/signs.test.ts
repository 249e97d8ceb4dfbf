import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { initialOf, tintOf, tints } from "@/people/signs";

test("an author keeps the colour of their id under any name, and namesakes differ by theirs", () => {
  expect(tintOf("g~1f", "ada")).toBe(tintOf("g~1f", "grace"));
  expect(tintOf(undefined, "ada")).toBe(tintOf(undefined, "ada"));
  const counts = new Map<number, number>();
  for (let i = 0; i < 12_000; i++) {
    const tint = tintOf(`guest-${i}`, "ada");
    counts.set(tint, (counts.get(tint) ?? 0) + 1);
  }
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: tints }, (_, i) => i));
  expect(Math.min(...counts.values())).toBeGreaterThan(700);
});

test.each([
  ["ada", "A"],
  ["élan", "É"],
  ["👩‍👩‍👧 x", "👩‍👩‍👧"],
  ["שלום", "ש"],
  ["", ""],
])("the initial of %j is %j", (name, initial) => expect(initialOf(name)).toBe(initial));

/** The colours of a scheme: of two colours the first is light, the second dark. */
function colours(scheme: 0 | 1): Map<string, string> {
  const css = readFileSync(new URL("../../src/app/globals.css", import.meta.url), "utf8");
  return new Map(
    [...css.matchAll(/--([\w-]+): (?:light-dark\()?(#[\da-f]{6})(?:, (#[\da-f]{6})\))?;/g)].map(
      ([, name = "", light = "", dark = light]) => [name, [light, dark][scheme] ?? ""],
    ),
  );
}

/** The relative luminance of WCAG. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test.each([0, 1] as const)("names and initials are readable in each colour: scheme %i", (scheme) => {
  const all = colours(scheme);
  const card = all.get("card") ?? "";
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  const tinted = Array.from({ length: tints }, (_, i) => all.get(`tint-${i}`) ?? "");
  expect(new Set(tinted).size).toBe(tints);
  for (const tint of tinted) expect(contrast(tint, card), tint).toBeGreaterThanOrEqual(4.5);
});

test.each([0, 1] as const)(
  "own messages have one tone, on which their text and time are readable: scheme %i",
  (scheme) => {
    const all = colours(scheme);
    const own = all.get("own") ?? "";
    for (const name of ["own-text", "own-quiet"]) {
      expect(contrast(all.get(name) ?? "", own), name).toBeGreaterThanOrEqual(4.5);
    }
  },
);
