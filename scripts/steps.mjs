// What `npm test` runs, in this order. Each step is a name, what it proves, the system programs it needs, its commands,
// and, if they are not the usual ones, the minutes after which a command counts as hung.
const npm = (script, workspace) => ["npm", "run", script, `--workspace=${workspace}`];
const turbo = (...args) => ["node_modules/.bin/turbo", "run", ...args, "--output-logs=new-only"];

/** usualMinutes is the limit of a command. Limits end what hangs; they are no budgets: a slow machine stays far below. */
export const usualMinutes = 30;

export const steps = [
  {
    name: "format",
    proves: "every file is formatted",
    commands: [["node_modules/.bin/biome", "format", "."], npm("format:check", "server")],
  },
  {
    name: "lint",
    proves: "biome, go vet for every system, and staticcheck find nothing",
    commands: [
      ["node_modules/.bin/biome", "check", "--formatter-enabled=false", "--error-on-warnings", "."],
      turbo("lint"),
    ],
  },
  { name: "types", proves: "the web app type-checks", commands: [turbo("typecheck")] },
  { name: "build", proves: "the server builds", commands: [turbo("build", "--filter=server")] },
  {
    name: "go",
    proves: "the server's tests and fuzz seeds pass under the race detector",
    programs: ["gcc", "redis-server", "nginx", "curl"],
    commands: [npm("test", "server")],
    minutes: 60,
  },
  { name: "web", proves: "the web app's unit tests pass", commands: [npm("test", "frontend")] },
  {
    name: "web-build",
    proves: "the web app builds and is small enough",
    commands: [turbo("build", "--filter=frontend"), npm("size", "frontend")],
  },
  {
    name: "clients",
    proves: "stock clients and the examples work against a real server, and against three behind a balancer",
    programs: ["redis-server", "nginx", "python-socketio"],
    commands: [npm("test", "clients")],
  },
  {
    name: "e2e",
    proves: "two browsers chat",
    programs: ["redis-server", "chromium"],
    commands: [npm("e2e", "frontend")],
    minutes: 90,
  },
  {
    name: "deploy",
    proves: "what is deployed builds, and its files hold together",
    // Only Linux has systemd.
    programs: ["nginx", "promtool", ...(process.platform === "linux" ? ["systemd-analyze"] : [])],
    commands: [
      ["node", "--test", "deploy/deploy.test.mjs", "deploy/images.test.mjs", "deploy/prometheus.test.mjs"],
      ["env", "GOWORK=off", "go", "-C", "deploy/checks", "test", "./..."],
    ],
  },
  {
    name: "audit",
    proves: "the licences of what is shipped are allowed, and no vulnerability is known, if the lists can be reached",
    commands: [
      ["node", "--test", "scripts/licences.test.mjs", "scripts/audit.test.mjs"],
      ["node", "scripts/audit.mjs"],
    ],
  },
  {
    name: "tooling",
    proves: "npm run dev keeps its promises, what the files at the top say is true, and commands in pages work",
    programs: ["ps", "redis-server", "curl"],
    commands: [
      [
        "node",
        "--test",
        "scripts/dev.test.mjs",
        "scripts/house.test.mjs",
        "scripts/commands.test.mjs",
        "bench/budgets.test.mjs",
      ],
    ],
  },
];
