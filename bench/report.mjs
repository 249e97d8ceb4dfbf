// The results in words: a table for each load, then the budgets.
import { faults, judge, summary } from "./budgets.mjs";

/** loadTable shows one load: a row for each server, in the order of titles = { server: title }. */
export function loadTable(load, key, results, titles) {
  const own = results.filter((r) => r.load === key);
  const rows = Object.entries(titles)
    .map(([server, title]) => [title, own.filter((r) => r.server === server)])
    .filter(([, of]) => of.length > 0)
    .map(([title, of]) => row(title, load.columns, summary(of)));
  const columns = load.columns.filter((_, i) => rows.some((cells) => cells[i + 1] !== ""));
  const kept = ["", ...columns.map(([name]) => name), "faults"];
  const shown = rows.map((cells) =>
    cells.filter((_, i) => i === 0 || i > load.columns.length || columns.includes(load.columns[i - 1])),
  );
  return rows.length === 0 ? "" : `\n${load.title}\n\n${table([kept, ...shown])}`;
}

function row(title, columns, result) {
  return [title, ...columns.map(([, show]) => show(result)), faults(result).join(", ") || "none"];
}

/** budgetTable shows each budget and how the servers named in judged did. */
export function budgetTable(results, judged, titles) {
  const measured = judged.filter((server) => results.some((r) => r.server === server));
  const verdicts = measured.map((server) => judge(results, server));
  if (verdicts.length === 0) return "";
  const rows = verdicts[0].map(({ what, against, must }, i) => {
    const what2 = against ? `${what}, against ${titles[against]}` : what;
    return [what2, bound(must, against), ...verdicts.map((all) => outcome(all[i]))];
  });
  return `\nBudgets\n\n${table([["", "must", ...measured.map((server) => titles[server])], ...rows])}`;
}

function bound({ atLeast, atMost }, against) {
  const times = against ? " ×" : "";
  return atLeast === undefined ? `<= ${atMost}${times}` : `>= ${atLeast}${times}`;
}

function outcome({ value, met, against }) {
  if (value === undefined) return "not measured";
  return `${value.toFixed(2)}${against ? " ×" : ""} ${met ? "met" : "MISSED"}`;
}

/** table aligns cells as Markdown does: the first column to the left, the others to the right. */
function table([head, ...rows]) {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((cells) => cells[i].length)));
  const pad = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
  const line = (cells) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}
