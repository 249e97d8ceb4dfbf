import { freePort, Redis } from "./processes";
import { articles, badge, composer, countdown, expect, said, say, stopTimeInLongCountdown, test, texts } from "./room";

const ordered = { timeout: 30_000 };

test("typed offline, sent once when online", async ({ room }) => {
  const [ada, bob] = [await room.join("ada"), await room.join("bob")];
  const robot = await room.robot();
  await say(ada, "before");
  await ada.context().setOffline(true);
  await expect(badge(ada)).toHaveText("Offline");
  await expect(ada.getByText("You are offline.")).toBeVisible();
  await say(ada, "one");
  await say(ada, "two");
  await expect(said(ada, "one").getByLabel("Waiting for a connection")).toBeVisible();
  // More than fits between the messages she has read and the one she wrote.
  const meanwhile = Array.from({ length: 10 }, (_, i) => `meanwhile ${i}\n.`);
  for (const text of meanwhile) await robot.say(text);
  await ada.context().setOffline(false);
  await expect(badge(ada)).toHaveText("Live");
  const all = ["before", ...meanwhile, "one", "two"];
  for (const page of [ada, bob]) await expect.poll(() => texts(page), ordered).toEqual(all);
  await expect(said(ada, "two").getByLabel("Sent")).toBeInViewport();
  await expect(ada.getByText("Messages may be missing")).toHaveCount(0);
  expect(robot.heard).toEqual(all);
});

test("the outbox survives a reload", async ({ room }) => {
  const ada = await room.join("ada");
  await room.server.end("SIGKILL");
  await expect(badge(ada)).not.toHaveText("Live");
  await say(ada, "kept");
  await ada.reload();
  await expect(said(ada, "kept").getByLabel("Waiting for a connection")).toBeVisible();
  await room.server.start();
  await expect(badge(ada)).toHaveText("Live", ordered);
  await expect(said(ada, "kept").getByLabel("Sent")).toBeVisible();
  const robot = await room.robot();
  await robot.say("later");
  await expect.poll(() => texts(ada)).toEqual(["kept", "later"]);
});

test("the server is killed and comes back: equal lists, no duplicates, and the gap is shown", async ({ room }) => {
  const [ada, bob] = [await room.join("ada"), await room.join("bob")];
  await say(ada, "first");
  await say(bob, "second");
  await expect.poll(() => texts(ada)).toEqual(["first", "second"]);
  await room.server.end("SIGKILL");
  await expect(badge(ada)).not.toHaveText("Live");
  await say(ada, "written without a server");
  await room.server.start();
  for (const page of [ada, bob]) await expect(badge(page)).toHaveText("Live", ordered);
  await say(bob, "third");
  for (const page of [ada, bob]) {
    // A single node keeps the room in memory: the page knows more than the new server, and shows the gap.
    await expect
      .poll(async () => (await texts(page)).toSorted(), ordered)
      .toEqual(["first", "second", "third", "written without a server"].toSorted());
    await expect(page.getByText("Messages may be missing here.")).toBeVisible();
  }
  await expect.poll(async () => JSON.stringify(await texts(ada)) === JSON.stringify(await texts(bob))).toBe(true);
  await ada.getByRole("button", { name: "Load missed" }).click();
  await expect(ada.getByText("The server no longer keeps them.")).toBeVisible();
});

test("the countdown shows the next attempt, and a click tries at once", async ({ room }) => {
  const ada = await room.visit();
  await ada.clock.install();
  await ada.reload();
  await ada.getByLabel("Your name").fill("ada");
  await ada.keyboard.press("Enter");
  await expect(badge(ada)).toHaveText("Live");
  await room.server.end("SIGKILL");
  await expect(badge(ada)).toHaveText("Offline");
  await expect(ada.getByText("The server cannot be reached.")).toBeVisible();
  await stopTimeInLongCountdown(ada);
  await room.server.start();
  await expect(countdown(ada)).toBeVisible();
  await ada.getByRole("button", { name: "Retry now" }).click();
  await expect(badge(ada)).toHaveText("Live");
  await expect(ada.getByText("The server cannot be reached.")).toBeHidden();
});

test("a frozen server is not shown as live for long, and stores the message once when it continues", async ({
  room,
}) => {
  const ada = await room.join("ada");
  await say(ada, "before");
  await expect(said(ada, "before").getByLabel("Sent")).toBeVisible();
  room.server.signal("SIGSTOP");
  const frozen = Date.now();
  await say(ada, "into the ice");
  await expect(badge(ada)).not.toHaveText("Live");
  // Five seconds of patience and four for the sign of life; a busy machine takes longer.
  expect(Date.now() - frozen).toBeLessThan(15_000);
  await expect(said(ada, "into the ice").getByLabel("Waiting for a connection")).toBeVisible();
  room.server.signal("SIGCONT");
  await expect(badge(ada)).toHaveText("Live", ordered);
  await expect(said(ada, "into the ice").getByLabel("Sent")).toBeVisible(ordered);
  const robot = await room.robot();
  await robot.say("later");
  await expect.poll(() => texts(ada), ordered).toEqual(["before", "into the ice", "later"]);
});

test.describe("a server that takes one event a second", () => {
  test.use({ serverEnv: { MESSAGE_RATE: "1", MESSAGE_BURST: "1" } });

  test("LIM-1 is slow and not treated as dead", async ({ room }) => {
    const ada = await room.join("ada");
    const opened: string[] = [];
    ada.on("websocket", (socket) => opened.push(socket.url()));
    const all = Array.from({ length: 12 }, (_, i) => `message ${i} .`);
    for (const text of all) await say(ada, text);
    await expect.poll(() => texts(ada), ordered).toEqual(all);
    await expect(said(ada, "message 11 .").getByLabel("Sent")).toBeVisible(ordered);
    expect(opened).toEqual([]);
  });
});

test("pitfall 5: a server that does not answer is waking", async ({ room }) => {
  const server = await room.newServer({});
  await server.start();
  server.signal("SIGSTOP");
  const page = await room.visit({}, server);
  await page.getByLabel("Your name").fill("ada");
  await page.keyboard.press("Enter");
  await expect(badge(page)).toHaveText("Connecting");
  await expect(badge(page)).toHaveText("Waking the server");
  await say(page, "good morning");
  server.signal("SIGCONT");
  await expect(badge(page)).toHaveText("Live");
  await expect(said(page, "good morning").getByLabel("Sent")).toBeVisible();
});

test.describe("refused", () => {
  test.use({ serverEnv: { ALLOWED_ORIGINS: "https://elsewhere.example" } });

  test("pitfall 7: because of its origin", async ({ room }) => {
    const page = await room.visit();
    await page.getByLabel("Your name").fill("ada");
    await page.keyboard.press("Enter");
    await expect(badge(page)).toHaveText("Refused");
    await expect(page.getByText("The server does not accept connections from this page.")).toBeVisible();
  });
});

test.describe("full", () => {
  test.use({ serverEnv: { MAX_CONNECTIONS: "1" } });

  test("pitfall 7: until somebody leaves", async ({ room }) => {
    const ada = await room.join("ada");
    const bob = await room.visit();
    await bob.getByLabel("Your name").fill("bob");
    await bob.keyboard.press("Enter");
    await expect(bob.getByText("The room is full right now.")).toBeVisible();
    // The server asks for five seconds; the page adds up to half of that.
    await expect(bob.getByText(/Next try in [1-8] s/)).toBeVisible();
    await ada.close();
    await expect(async () => {
      await bob.getByRole("button", { name: "Retry now" }).click({ timeout: 1000 });
      await expect(badge(bob)).toHaveText("Live", { timeout: 1000 });
    }).toPass(ordered);
  });
});

test.describe("limits of the server that are stricter than ours", () => {
  test("a message that can never be sent says why and can be removed", async ({ room }) => {
    // It is written before the server has told its limits.
    const server = await room.newServer({ MAX_MESSAGE_CHARS: "10" });
    const ada = await room.visit({}, server);
    await ada.getByLabel("Your name").fill("ada");
    await ada.keyboard.press("Enter");
    await say(ada, "much too long for it");
    await server.start();
    await expect(ada.getByText("This is too long for the server.", { exact: true })).toBeVisible();
    await expect(ada.getByRole("button", { name: "Retry", exact: true })).toHaveCount(0);
    await ada.getByRole("button", { name: "Remove" }).click();
    await expect(articles(ada)).toHaveCount(0);
    await say(ada, "short");
    await expect(said(ada, "short").getByLabel("Sent")).toBeVisible();
  });
});

test("P4 P5 a failed message is retried with the same id and arrives once", async ({ room }) => {
  const redis = new Redis(await freePort());
  await redis.start();
  try {
    const server = await room.newServer({ REDIS_URL: `redis://127.0.0.1:${redis.port}`, APPEND_TIMEOUT: "1s" });
    await server.start();
    const [ada, bob] = [await room.join("ada", {}, server), await room.join("bob", {}, server)];
    await say(ada, "before");
    await expect(said(bob, "before")).toBeVisible();
    redis.signal("SIGSTOP");
    await say(ada, "in the outage");
    await expect(ada.getByText("The server could not store this just now.", { exact: true })).toBeVisible(ordered);
    await ada.getByRole("button", { name: "Retry", exact: true }).click();
    await expect(said(ada, "in the outage").getByLabel("Sending")).toBeVisible();
    redis.signal("SIGCONT");
    await expect(said(ada, "in the outage").getByLabel("Sent")).toBeVisible(ordered);
    for (const page of [ada, bob]) await expect.poll(() => texts(page), ordered).toEqual(["before", "in the outage"]);
  } finally {
    await redis.end();
  }
});

test("P3 two people on two nodes; one node is killed: equal lists, nothing missing", async ({ room }) => {
  const redis = new Redis(await freePort());
  await redis.start();
  try {
    const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
    const [one, two] = [await room.newServer(env), await room.newServer(env)];
    await Promise.all([one.start(), two.start()]);
    const [ada, bob] = [await room.join("ada", {}, one), await room.join("bob", {}, two)];
    await say(ada, "from one");
    await expect(said(bob, "from one")).toBeVisible();
    await say(bob, "from two");
    await expect(said(ada, "from two")).toBeVisible();
    await one.end("SIGKILL");
    await say(bob, "while you were away");
    await say(ada, "written alone");
    await one.start();
    await expect(badge(ada)).toHaveText("Live", ordered);
    const all = ["from one", "from two", "while you were away", "written alone"];
    for (const page of [ada, bob]) await expect.poll(() => texts(page), ordered).toEqual(all);
    await expect(ada.getByText("Messages may be missing")).toHaveCount(0);
    await expect(composer(ada)).toBeFocused();
  } finally {
    await redis.end();
  }
});
