import { describe, expect, test } from "vitest";
import { storageMemory } from "@/browser/memory";

describe("memory", () => {
  test("with a full or forbidden storage, text lasts as long as the page", () => {
    const full = {
      getItem: () => "old",
      setItem: () => {
        throw new Error("full");
      },
    } as unknown as Storage;
    const memory = storageMemory(() => full);
    expect(memory.get("k")).toBe("old");
    memory.set("k", "new");
    expect(memory.get("k")).toBe("new");
    const forbidden = storageMemory(() => {
      throw new Error("forbidden");
    });
    expect(forbidden.get("k")).toBeNull();
    forbidden.set("k", "v");
    expect(forbidden.get("k")).toBe("v");
  });
});
