import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { type Fetch, Listing } from "@/rooms/listing";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const answers = (rooms: unknown) => ({ ok: true, json: async () => ({ rooms }) });

test("the list is fetched while somebody looks at it", async () => {
  const ask = vi.fn<Fetch>(async () => answers([{ name: "cats", online: 1 }]));
  const listing = new Listing("http://chat.test", ask);
  expect(ask).not.toHaveBeenCalled();
  const changed = vi.fn();
  const stops = [listing.subscribe(changed), listing.subscribe(() => {})];
  await vi.advanceTimersByTimeAsync(0);
  expect(ask.mock.calls.map(([url]) => url)).toEqual(["http://chat.test/rooms"]);
  expect(listing.getRooms()).toEqual([{ name: "cats", online: 1 }]);
  ask.mockImplementation(async () => answers([{ name: "cats", online: 2 }]));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(ask).toHaveBeenCalledTimes(3);
  expect(changed).toHaveBeenCalledTimes(2);
  for (const stop of stops) stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask).toHaveBeenCalledTimes(3);
  expect(ask.mock.lastCall?.[1].signal.aborted).toBe(true);
});

test.each<[string, Fetch]>([
  ["there is no such page", async () => ({ ok: false, json: async () => ({ rooms: [{ name: "x", online: 1 }] }) })],
  ["the answer is no JSON", async () => ({ ok: true, json: async () => JSON.parse("<html>") })],
  ["there is no answer", async () => Promise.reject(new TypeError("Failed to fetch"))],
])("the last answer stays if %s", async (_, fails) => {
  const ask = vi.fn<Fetch>(async () => answers([{ name: "cats", online: 1 }]));
  const listing = new Listing("http://chat.test", ask);
  listing.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(0);
  ask.mockImplementation(fails);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(ask).toHaveBeenCalledTimes(4);
  expect(listing.getRooms()).toEqual([{ name: "cats", online: 1 }]);
});

test("a list without end is cut", async () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({ name: `room-${i}`, online: 0 }));
  const listing = new Listing("http://chat.test", async () => answers(many));
  listing.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(0);
  expect(listing.getRooms()).toHaveLength(100);
});
