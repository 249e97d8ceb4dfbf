import { describe, expect, test } from "vitest";

import { Identity, isMine, type Me, nobody } from "@/people/identity";
import { FakeMemory } from "../fakelink";
import { welcome } from "../make";

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

/** The tabs of a browser. */
function browser() {
  const kept = new FakeMemory();
  const tab = (memory = new FakeMemory()) => new Identity(kept, memory);
  return { kept, tab };
}

const user = (id: string, name?: string) => ({ id, guest: false, ...(name !== undefined && { name }) });

describe("P11 the guest of a browser", () => {
  test("is the same in all tabs, and shows its token to nobody but the server", () => {
    const { tab } = browser();
    const first = tab();
    expect(first.credentials()).toEqual({});
    expect(first.welcomed(welcome("~1"))).toBe(true);
    first.rename("ada");
    expect(first.credentials()).toEqual({ token: "~1.secret", username: "ada" });
    expect(tab().credentials()).toEqual({ token: "~1.secret" });
    expect(JSON.stringify(first.getMe())).not.toContain("secret");
  });

  test("is the one of the tab that was first", () => {
    const { tab } = browser();
    const [first, second] = [tab(), tab()];
    first.welcomed(welcome("~1"));
    expect(second.welcomed(welcome("~2"))).toBe(false);
    expect(second.credentials()).toEqual({ token: "~1.secret" });
    expect(second.getMe().user?.id).toBe("~1");
  });

  test("keeps its newest token, so that an older key may go", () => {
    const { tab } = browser();
    const one = tab();
    one.welcomed(welcome("~1"));
    one.welcomed(welcome("~1", { token: "~1.newer" }));
    expect(one.credentials()).toEqual({ token: "~1.newer" });
  });

  test("is forgotten with its token, but not if another tab has become a newer one", () => {
    const { tab } = browser();
    const [one, other] = [tab(), tab()];
    one.welcomed(welcome("~1"));
    one.forget("~1.secret");
    expect(one.credentials()).toEqual({});
    expect(one.getMe().user).toBeNull();
    other.welcomed(welcome("~2"));
    one.forget("~1.secret");
    expect(one.credentials()).toEqual({ token: "~2.secret" });
  });

  test.each(["", "{", "null", "7", "[]", '{"id":"~1"}', '{"id":1,"token":2}'])("another text is none: %j", (text) => {
    const { kept, tab } = browser();
    kept.set("chat.guest", text);
    expect(tab().credentials()).toEqual({});
  });
});

describe("P11 the author's id says what is mine", () => {
  const said = (from: string, username = "ada") => ({ id: "x", username, from });

  test("in all tabs, after a reload, and when a server without our keys made us another guest", () => {
    const { tab } = browser();
    const memory = new FakeMemory();
    const one = tab(memory);
    one.rename("ada");
    one.welcomed(welcome("~1"));
    one.forget("~1.secret");
    one.credentials();
    one.welcomed(welcome("~2"));
    for (const who of [one, tab(memory)]) {
      for (const id of ["~1", "~2"]) expect(isMine(who.getMe(), said(id))).toBe(true);
      expect(isMine(who.getMe(), said("~3"))).toBe(false);
      // Our tag does not make a message ours whose author we are not.
      expect(isMine(who.getMe(), { ...said("~3"), id: who.newId() })).toBe(false);
    }
    const second = tab();
    second.rename("ada");
    second.credentials();
    expect(isMine(second.getMe(), said("~2"))).toBe(true);
  });

  test("two people in two tabs of one browser are two", () => {
    const { tab } = browser();
    const [ada, bob] = [tab(), tab()];
    ada.rename("ada");
    bob.rename("bob");
    for (const who of [ada, bob]) who.welcomed(welcome("~1"));
    expect(isMine(bob.getMe(), said("~1", "ada"))).toBe(false);
  });

  test("an account is not the guest that the browser was before, nor another account", () => {
    const one = browser().tab();
    one.rename("ada");
    for (const next of [welcome("~1"), welcome("u1", { user: user("u1") }), welcome("u2", { user: user("u2") })]) {
      one.welcomed(next);
      expect(one.getMe().authors).toEqual([next.user.id]);
    }
    expect(isMine(one.getMe(), said("u2", "an earlier name"))).toBe(true);
  });
});

describe("what the server tells", () => {
  test("P11 the name of our account is the one we have", () => {
    const one = browser().tab();
    one.rename("ada");
    one.welcomed(welcome("u1", { user: user("u1", "Ada Lovelace") }));
    expect(one.getMe().username).toBe("Ada Lovelace");
    expect(one.rename("bob")).toEqual({ ok: true, username: "Ada Lovelace" });
  });

  test("LIM-8 survives a reload of the tab, and tells subscribers once", () => {
    const { tab } = browser();
    const memory = new FakeMemory();
    const one = tab(memory);
    let told = 0;
    one.subscribe(() => told++);
    const next = welcome("~1", { limits: { ...nobody.limits, usernameChars: 5 }, rooms: { "*": "read" } });
    for (const _ of ["room", "another room"]) one.welcomed(next);
    expect(told).toBe(1);
    expect(tab(memory).getMe()).toMatchObject({ user: next.user, limits: next.limits, rooms: next.rooms });
    expect(one.rename("abcdef")).toEqual({ ok: false, problem: "too_long" });
  });
});

test.each([
  ["", "anonymous"],
  ["a\u0007b", "anonymous"],
  ["x".repeat(100_000), "anonymous"],
  [" a\u202eda ", "ada"],
  ["{}", "{}"],
])("what another version stored for a name, %j, does not keep anybody out", (text, username) => {
  const tab = new FakeMemory();
  tab.set("chat.joined", text);
  expect(new Identity(new FakeMemory(), tab).getMe().username).toBe(username);
});

test.each(["", "x".repeat(5000), "a b", "a\u0000", "ä"])("a token that no server gave is not sent: %j", (token) => {
  const { kept, tab } = browser();
  kept.set("chat.guest", JSON.stringify({ id: "g-1", token }));
  const identity = tab();
  expect(identity.credentials()).toEqual({});
  identity.welcomed(welcome("g-2"));
  expect(tab().credentials()).toEqual({ token: "g-2.secret" });
});
