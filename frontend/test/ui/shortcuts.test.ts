import { expect, test } from "vitest";
import { chordsOf, isPressed, type Shortcut, type ShortcutName, shortcuts } from "@/ui/shortcuts";

const none = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };

test.each<[ShortcutName, object, boolean]>([
  ["help", { key: "?" }, false],
  ["help", { key: "?", shiftKey: true }, false],
  ["help", { key: "/", ctrlKey: true, altKey: true }, false], // AltGr
  ["help", { key: "/", ctrlKey: true }, true],
  ["help", { key: "/", ctrlKey: true, shiftKey: true }, true], // where the slash is above another key
  ["help", { key: "/" }, false],
  ["help", { key: "/", metaKey: true }, false], // this is no Apple device
  ["help", { key: "?", altKey: true }, false],
  ["newLine", { key: "Enter", shiftKey: true }, true],
  ["newLine", { key: "Enter" }, false],
  ["pageUp", { key: " ", shiftKey: true }, true],
  ["pageDown", { key: " ", ctrlKey: true }, false],
])("%s is pressed by %j: %j", (name, event, pressed) =>
  expect(isPressed(name, { key: "", ...none, ...event })).toBe(pressed),
);

test("a device is shown the chords of its keyboard", () => {
  const find = { chords: ["Mod+F", "Meta+G", "F3"], words: "", group: "Everywhere" } as const;
  expect(chordsOf(find, false)).toEqual(["Ctrl+F", "F3"]);
  expect(chordsOf(find, true)).toEqual(["Meta+F", "Meta+G", "F3"]);
});

test("each chord does one thing at one place, and has words", () => {
  const all = Object.values<Shortcut>(shortcuts);
  for (const apple of [false, true]) {
    const placed = all.flatMap((shortcut) => chordsOf(shortcut, apple).map((chord) => `${shortcut.group}: ${chord}`));
    expect(new Set(placed).size).toBe(placed.length);
  }
  expect(all.filter(({ words, chords }) => words === "" || chords.length === 0)).toEqual([]);
});

test("WCAG 2.1.4 no shortcut is a character alone", () => {
  const chords = Object.values<Shortcut>(shortcuts).flatMap((shortcut) => shortcut.chords);
  expect(chords.map((chord) => chord.replace("Shift+", "")).filter((key) => Array.from(key).length === 1)).toEqual([]);
});
