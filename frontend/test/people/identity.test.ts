import { describe, expect, test } from "vitest";

import { Identity, isMine, type Me, nobody } from "@/people/identity";
import { FakeMemory } from "../fakelink";

const me: Me = { ...nobody, username: "ada", remembered: "ada", tag: "0123456789", names: ["ada"] };

describe("pitfall 3: mine", () => {
  test("is not a namesake's", () => {
    expect(isMine(me, { id: "9876543210-1", username: "ada" })).toBe(false);
    expect(isMine(nobody, { id: "-1", username: "ada" })).toBe(false);
  });

  test("stays mine after a change of name, but is not another person's in another tab of this browser", () => {
    const browser = new FakeMemory();
    const first = new Identity(browser, new FakeMemory());
    const second = new Identity(browser, new FakeMemory());
    first.rename("ada");
    second.rename("bob");
    const fromFirst = { id: first.newId(), username: "ada" };
    first.rename("countess");
    expect(isMine(first.getMe(), fromFirst)).toBe(true);
    expect(isMine(second.getMe(), fromFirst)).toBe(false);
    expect(isMine(first.getMe(), { id: first.newId(), username: "countess" })).toBe(true);
  });
});

describe("identity", () => {
  test("a reload stays the same person; a new tab remembers the name only", () => {
    const [browser, tab] = [new FakeMemory(), new FakeMemory()];
    new Identity(browser, tab).rename("  ada  ");
    const reloaded = new Identity(browser, tab);
    expect(reloaded.getMe()).toMatchObject({ username: "ada", names: ["ada"] });
    const opened = new Identity(browser, new FakeMemory()).getMe();
    expect(opened).toMatchObject({ username: null, remembered: "ada", tag: reloaded.getMe().tag });
  });

  test("a name that the server would refuse changes nothing", () => {
    const identity = new Identity(new FakeMemory(), new FakeMemory());
    expect(identity.rename("x".repeat(65))).toEqual({ ok: false, problem: "too_long" });
    expect(identity.rename("a\u0007b")).toEqual({ ok: false, problem: "control_character" });
    expect(identity.getMe().username).toBeNull();
    expect(identity.rename("   ")).toEqual({ ok: true, username: "anonymous" });
  });

  test("MSG-9 ids are printable, short, of this browser, and differ", () => {
    const identity = new Identity(new FakeMemory(), new FakeMemory());
    const ids = new Set(Array.from({ length: 1000 }, identity.newId));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(id).toMatch(new RegExp(`^${identity.getMe().tag}-[0-9a-z]{10,40}$`));
  });
});
