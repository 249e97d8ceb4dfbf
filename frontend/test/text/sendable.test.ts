import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { sendable } from "@/text/sendable";

import { live } from "../fakelink";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("blank lines around a message are removed, and those within it are kept", () => {
  const { store, link } = live();
  store.send("ada", " \n\n  indented\n\nand more \n \n");
  expect(link.sent[0]?.message).toBe("  indented\n\nand more");
  expect(store.send("ada", `\n\n${"x".repeat(4000)}\n\n`)).toBeUndefined();
  // In linear time.
  expect(sendable(`${" \n".repeat(50_000)}x${" \n".repeat(50_000)}y`)).toHaveLength(100_002);
});
