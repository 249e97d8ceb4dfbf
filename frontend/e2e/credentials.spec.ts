import type { Page } from "@playwright/test";
import { serverHost } from "./build";
import { expect, test } from "./room";

interface Wanted {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** The status of the server's answer, or the browser's error if the page may not read it. */
function ask(page: Page, query: string, init: Wanted): Promise<number | string> {
  const request = { url: `http://${serverHost}/socket.io/?EIO=4&transport=${query}`, init };
  return page.evaluate(
    ({ url, init }) =>
      fetch(url, { ...init, credentials: "include" }).then(
        ({ status }) => status,
        (error) => String(error),
      ),
    request,
  );
}

test("EIO-5, EIO-6 a listed page may send credentials, headers and methods of its own", async ({ room }) => {
  const listed = new URL(room.siteUrl).origin.replace(/\d+$/, "*");
  const server = await room.newServer({ ALLOWED_ORIGINS: `https://a.example,${listed}` });
  await server.start();
  const page = await room.visit({}, server);
  expect(await ask(page, "polling", {})).toBe(200);
  expect(await ask(page, "polling", { headers: { "X-Token": "x" } })).toBe(200);
  for (const method of ["PUT", "DELETE", "PROPFIND"]) expect(await ask(page, "polling", { method })).toBe(400);
  expect(await ask(page, "polling&sid=none", { method: "POST", body: "3" })).toBe(400);
});
