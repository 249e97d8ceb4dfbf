// What promtool says about the alerts and the dashboard. That their metrics and labels are those of a real node is tested in
// server/internal/app (TestDashboardAndAlertsAskForWhatExists).
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const read = (name) => readFile(join(here, name), "utf8");
const alerts = async () => parse(await read("prometheus/rules.yml")).groups.flatMap((group) => group.rules);

test("promtool accepts the configuration, and the alerts come when they should", async () => {
  await run("promtool", ["check", "config", join(here, "prometheus/prometheus.yml")]);
  await run("promtool", ["test", "rules", join(here, "prometheus/rules_test.yml")]);
});

test("every alert is tested: it comes, and it does not come at once", async () => {
  const cases = parse(await read("prometheus/rules_test.yml")).tests.flatMap((test) => test.alert_rule_test);
  for (const { alert } of await alerts()) {
    const own = cases.filter(({ alertname }) => alertname === alert);
    assert.ok(
      own.some(({ exp_alerts }) => exp_alerts?.length > 0),
      `${alert} comes`,
    );
    assert.ok(
      own.some(({ exp_alerts }) => !exp_alerts),
      `${alert} does not come`,
    );
  }
});

test("every alert has a severity, and a runbook that exists", async () => {
  const page = await readFile(join(here, "../docs/OPERATIONS.md"), "utf8");
  const anchors = [...page.matchAll(/^##+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  for (const { alert, labels, annotations } of await alerts()) {
    assert.match(labels.severity, /^(critical|warning)$/);
    const [path, anchor] = annotations.runbook.split("#");
    assert.equal(path, "docs/OPERATIONS.md");
    assert.ok(anchors.includes(anchor), `${alert}: ${anchor}`);
    assert.ok(page.includes(`| \`${alert}\` |`), `${alert} is in the table of alerts`);
  }
});

test("promtool can read every query of the dashboard", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "queries-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const { panels } = JSON.parse(await read("grafana/dashboards/chat.json"));
  const queries = panels.flatMap((panel) => panel.targets ?? []).map(({ expr }) => expr);
  assert.ok(queries.length > 20);
  const rules = queries.map((expr, i) => ({ record: `q${i}`, expr: expr.replaceAll("$__rate_interval", "1m") }));
  await writeFile(join(dir, "rules.yml"), JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  await run("promtool", ["check", "rules", join(dir, "rules.yml")]);
});

test("Grafana is given the dashboard and the source that its panels name", async () => {
  const { datasources } = parse(await read("grafana/provisioning/datasources/prometheus.yml"));
  const dashboard = JSON.parse(await read("grafana/dashboards/chat.json"));
  for (const panel of dashboard.panels.filter(({ type }) => type !== "row")) {
    assert.deepEqual(panel.datasource, { type: "prometheus", uid: datasources[0].uid }, panel.title);
    assert.ok(panel.description, `${panel.title} says what it shows`);
  }
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});
