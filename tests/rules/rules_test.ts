import assert from "node:assert/strict";
import { budgetViolations, FILE_MAX_LINES, FUNCTION_MAX_LINES } from "./budgets.ts";
import { commentViolations } from "./comments.ts";
import { conventionViolations, OWN_ATTRIBUTES, OWN_SPANS } from "./conventions.ts";
import { deadOutsideTests } from "./dead.ts";
import { exportViolations } from "./exports.ts";
import { homeViolations } from "./homes.ts";
import { importViolations } from "./imports.ts";
import { loadedWith } from "./loaded.ts";
import { allSources, isTest, report, type Source, sourceOf, type Violation } from "./source.ts";
import { unusedExports } from "./uses.ts";
import { idleWaits, waitViolations } from "./waits.ts";
import { wordViolations } from "./words.ts";

type Rule = (source: Source) => readonly Violation[];

async function broken(rule: Rule): Promise<string> {
  const sources = await allSources();
  assert.ok(sources.length > 20, "the rules must read the repository's files");
  return report(sources.flatMap(rule));
}

function refused(rule: Rule, path: string, text: string): number {
  return rule(sourceOf(path, text)).length;
}

Deno.test("repository: every import is one the architecture's table allows", async () => {
  assert.equal(await broken(importViolations), "");
});

Deno.test("repository: time, randomness, output and environment stay in their one home", async () => {
  assert.equal(await broken(homeViolations), "");
});

Deno.test("repository: no test waits for the machine's time, or measures it, without a reason", async () => {
  assert.equal(await broken(waitViolations), "");
  assert.deepEqual(idleWaits(await allSources()), []);
});

Deno.test("repository: files and functions keep their budgets", async () => {
  assert.equal(await broken(budgetViolations), "");
});

Deno.test("repository: no comment and no SQL runs past the last column", async () => {
  assert.equal(await broken(commentViolations), "");
});

Deno.test("repository: every export is documented and has a name", async () => {
  assert.equal(await broken(exportViolations), "");
});

Deno.test("repository: every exported value is taken by another file", async () => {
  assert.equal(report(unusedExports(await allSources())), "");
});

Deno.test("repository: what the product offers, the product takes, or there is a reason", async () => {
  assert.equal(report(deadOutsideTests(await allSources())), "");
});

Deno.test("repository: names are the field's own words, and no pictures", async () => {
  assert.equal(await broken(wordViolations), "");
});

Deno.test("repository: spans and their attributes are named as OpenTelemetry's conventions have it, or for a reason", async () => {
  assert.equal(await broken(conventionViolations), "");
  const product = (await allSources()).filter(({ path }) => !isTest(path)).map(({ text }) => text).join("\n");
  const unused = [...Object.keys(OWN_ATTRIBUTES), ...Object.keys(OWN_SPANS)].filter((name) =>
    !product.includes(`"${name}"`)
  );
  assert.deepEqual(unused, []);
});

Deno.test("repository: what sends telemetry is loaded by no program before a setting wants it", async () => {
  const sources = await allSources();
  const late =
    /^lib\/telemetry\/(telemetry|push|tracing|logs|export_queue|parts|otlp)\.ts$|^@opentelemetry\/(sdk-trace|sdk-logs|otlp-)|^node:async_hooks$/;

  for (const path of ["broker/program.ts", "agent/main.ts"]) {
    const loaded = [...loadedWith(path, sources)];
    assert.ok(loaded.includes("@opentelemetry/sdk-metrics"), "the walk must come far");
    assert.deepEqual(loaded.filter((one) => late.test(one)), []);
  }
  const sending = loadedWith("lib/telemetry/tracing.ts", sources);
  assert.ok(sending.has("@opentelemetry/sdk-trace") && sending.has("node:async_hooks"));
});

Deno.test("repository: a broker loads nothing that makes its API's description, which is served as it was written", async () => {
  const sources = await allSources();
  const making = ["broker/http/openapi.ts", "@hono/zod-openapi"];

  const loaded = loadedWith("broker/program.ts", sources);

  assert.ok(loaded.has("broker/http/documents.ts"), "the walk must come far");
  assert.deepEqual(making.filter((one) => loaded.has(one)), []);
  assert.ok(loadedWith("docs/generate/api.ts", sources).has(making[1] ?? ""), "it must be what makes it");
});

Deno.test("repository: the client loads nothing of a broker: no database, no server, no telemetry, no log", async () => {
  const sources = await allSources();
  const ofBroker =
    /^(postgres|hono|@electric-sql\/.*|@hono\/.*|@opentelemetry\/.*|@logtape\/.*|smol-toml)$|^broker\/(store|http|jobs|domain)\//;
  const isClient = ({ path }: Source) => /^broker\/(main\.ts$|commands\/client\/)/.test(path) && !isTest(path);

  const loaded = sources.filter(isClient).map(({ path }) => [path, loadedWith(path, sources)] as const);

  for (const [path, all] of loaded) assert.deepEqual([...all].filter((one) => ofBroker.test(one)), [], path);
  assert.ok(loadedWith("broker/commands/client/wait.ts", sources).has("zod"), "the walk must come far");
  assert.ok(loadedWith("broker/program.ts", sources).has("postgres"), "the pattern must find what it is about");
});

const FORBIDDEN_IMPORTS: readonly (readonly [string, string])[] = [
  ["lib/clock.ts", `import { x } from "../broker/broker.ts";`],
  ["broker/broker.ts", `import { x } from "../agent/agent.ts";`],
  ["agent/agent.ts", `export { x } from "../broker/broker.ts";`],
  ["agent/agent.ts", `import { x } from "../lib/clock.ts";`],
  ["agent/agent.ts", `import { x } from "../tests/fakes/manual_clock.ts";`],
  ["broker/domain/stack.ts", `import { z } from "zod";`],
  ["broker/domain/stack.ts", `import { x } from "../store/stacks.ts";`],
  ["broker/domain/stack.ts", `import { x } from "$lib/database.ts";`],
  ["broker/http/stacks.ts", `import { stackStore } from "../store/stacks.ts";`],
  ["broker/store/stacks.ts", `import { x } from "../http/stacks.ts";`],
  ["broker/store/stacks.ts", `import postgres from "postgres";`],
  ["agent/plan/plan.ts", `import { x } from "$lib/kubernetes.ts";`],
  ["agent/plan/planner.ts", `import { x } from "../kube/inventory.ts";`],
  ["agent/kube/reconcile.ts", `import { x } from "../deliver/queues.ts";`],
  ["agent/kube/records/inventory.ts", `import { judge } from "../../plan/guard.ts";`],
  ["agent/agent.ts", `const kube = await import("@kubernetes/client-node");`],
  ["lib/http_client.ts", `import { newUsers } from "@kubernetes/client-node/dist/config_types.js";`],
  ["lib/serve.ts", `import { MeterProvider } from "@opentelemetry/sdk-metrics";`],
  ["docs/generate/main.ts", `import { x } from "../../tests/fakes/manual_clock.ts";`],
  ["lib/yaml.ts", `import { parse } from "npm:yaml@2";`],
  ["lib/bundle_test.ts", `import fc from "fast-check";`],
];

for (const [path, text] of FORBIDDEN_IMPORTS) {
  Deno.test(`importViolations() refuses ${text} in ${path}`, () => {
    assert.ok(refused(importViolations, path, text) >= 1);
  });
}

Deno.test("importViolations() allows types of the store in broker/http, and lib everywhere", () => {
  const text = `import type { Store } from "../store/mod.ts";\nimport { Failure } from "$lib/error.ts";`;

  assert.equal(refused(importViolations, "broker/http/stacks.ts", text), 0);
});

const UNCONVENTIONAL = [
  `span.set({ "http.method": "GET" });`,
  `begin("x", { attributes: { "brokkr.made.up": 1 } });`,
  `const COMMON = { "db.system": "postgresql" };`,
  `span.setAttribute("http.url", url);`,
  `tracing.begin("made up");`,
];

for (const text of UNCONVENTIONAL) {
  Deno.test(`conventionViolations() refuses ${text} where spans are made`, () => {
    const made = `import type { Span } from "$lib/tracing.ts";\n${text}`;

    assert.equal(refused(conventionViolations, "lib/x.ts", made), 1);
    assert.equal(refused(conventionViolations, "lib/x.ts", text), 0);
  });
}

Deno.test("conventionViolations() allows what OpenTelemetry names, and names that are put together", () => {
  const text = `import type { Span } from "$lib/tracing.ts";
    span.set({ "http.route": route, plain: 1 }); span.begin(\`\${method} \${route}\`); settings["otlp.endpoint"];`;

  assert.equal(refused(conventionViolations, "lib/x.ts", text), 0);
});

const HOMELESS = [
  "Date.now();",
  "const clock = { now: performance.now };",
  "setTimeout(work, 1);",
  "Math.random();",
  "crypto.randomUUID();",
  "console.log(1);",
  "Deno.stdout.writeSync(bytes);",
  'Deno.env.get("HOME");',
  "const words = Deno.args;",
];

for (const text of HOMELESS) {
  Deno.test(`homeViolations() refuses ${text} in the middle of a program`, () => {
    assert.equal(refused(homeViolations, "broker/http/app.ts", text), 1);
  });
}

Deno.test("homeViolations() allows each in its home", () => {
  assert.equal(refused(homeViolations, "lib/clock.ts", "Date.now(); setTimeout(work, 1);"), 0);
  assert.equal(refused(homeViolations, "broker/main.ts", 'Deno.exit(run(Deno.args, Deno.env.get("X")));'), 0);
  assert.equal(refused(homeViolations, "lib/program.ts", "console.error(message);"), 0);
});

const HASTY = [
  "await new Promise((resolve) => setTimeout(resolve, 50));",
  "await setTimeout(20);",
  "const startMs = performance.now();",
  "fetch(url, { signal: AbortSignal.timeout(50) });",
  'import { pause } from "../run/wait.ts";',
  'await eventually("it is so", isSo, { seconds: 60 });',
  'await waitFor(isSo, { what: "see it", timeoutMs: 20_000 });',
];

for (const text of HASTY) {
  Deno.test(`waitViolations() refuses ${text} in a test`, () => {
    assert.equal(refused(waitViolations, "tests/system/x_test.ts", text), 1);
    assert.equal(refused(waitViolations, "tests/bench/x_bench.ts", text), 0);
  });
}

Deno.test("waitViolations() allows a turn of the event loop, and deadlines that end a hang", () => {
  const text = `setTimeout(resolve); setTimeout(resolve, 0); settled({ seconds: 1 });
    await eventually("it is so", isSo, { seconds: 240, everyMs: 5 }); await waitFor(isSo, { what: "see it" });`;

  assert.equal(refused(waitViolations, "lib/x_test.ts", text), 0);
});

Deno.test("budgetViolations() refuses a file and a function one line over", () => {
  const file = "\n".repeat(FILE_MAX_LINES + 1);
  const work = `function work() {\n${"step();\n".repeat(FUNCTION_MAX_LINES - 1)}}\n`;

  assert.equal(refused(budgetViolations, "lib/long.ts", file), 1);
  assert.equal(refused(budgetViolations, "lib/long.ts", file.slice(1)), 0);
  assert.equal(refused(budgetViolations, "lib/long.ts", work), 1);
  assert.equal(refused(budgetViolations, "lib/long.ts", work.replace("step();\n", "")), 0);
});

Deno.test("commentViolations() refuses a comment of one column more, in a block, on its own or behind code", () => {
  const [most, more] = ["x".repeat(100), "x".repeat(121)];
  for (const begin of ["/** ", " * ", "  // ", "work(); // ", "  [1, // "]) {
    assert.equal(refused(commentViolations, "lib/x.ts", `${begin}${more.slice(begin.length)}`), 1, begin);
    assert.equal(refused(commentViolations, "lib/x.ts", `${begin}${more.slice(begin.length + 1)}`), 0, begin);
  }
  assert.equal(refused(commentViolations, "lib/x.ts", `const url = "https://${most}${most}";`), 0);
});

Deno.test("commentViolations() refuses a line of SQL of one column more, in the store", () => {
  const line = `select ${"x".repeat(114)}`;
  assert.equal(refused(commentViolations, "broker/store/x.ts", line), 1);
  assert.equal(refused(commentViolations, "broker/store/x.ts", line.slice(1)), 0);
  assert.equal(refused(commentViolations, "broker/store/x_test.ts", line), 0);
});

Deno.test("exportViolations() refuses what is undocumented, and a default export", () => {
  assert.equal(refused(exportViolations, "lib/x.ts", "export const ANSWER = 42;"), 1);
  assert.equal(refused(exportViolations, "lib/x.ts", "/** x */\nexport function answer() {}"), 1);
  assert.equal(refused(exportViolations, "lib/x.ts", "/** What a deep thought came to. */\nexport default 42;"), 1);
  assert.equal(
    refused(exportViolations, "lib/x.ts", "/** What a deep thought came to. */\nexport const ANSWER = 42;"),
    0,
  );
});

Deno.test("unusedExports() finds what no file takes, however a file could take it", () => {
  const offered = sourceOf("broker/x.ts", "export const LIST = [];\nexport function made() {}\nexport class Kept {}");
  const lost = (text: string, path = "broker/y.ts") =>
    unusedExports([offered, sourceOf(path, text)]).map(({ line, message }) => `${line} ${message.split(":")[0]}`);

  assert.deepEqual(lost(""), ["1 LIST", "2 made", "3 Kept"]);
  assert.deepEqual(lost('import { LIST as all } from "./x.ts"; import type { Kept } from "./x.ts";'), ["2 made"]);
  assert.deepEqual(lost('export { made } from "../broker/x.ts";', "agent/y.ts"), ["1 LIST", "3 Kept"]);
  for (const all of ['import * as x from "./x.ts";', 'export * from "./x.ts";', 'await import("./x.ts");']) {
    assert.deepEqual(lost(all), [], all);
  }
});

const OFFERS = `export const MAX = 1;
export const SPARE = 2;
export function made({ size }: Parts) { return MAX + size; }
export interface Parts {
  readonly size: number;
  readonly onEnd?: () => void;
}
export class Fights {
  count() {}
  forget() {}
}`;

Deno.test("deadOutsideTests() finds what only tests take, read or give", () => {
  const sources = [
    sourceOf("agent/x.ts", OFFERS),
    sourceOf("agent/y.ts", 'import { Fights, made } from "./x.ts"; new Fights().count(); made({ size: 1 }).onEnd?.();'),
    sourceOf("agent/x_test.ts", 'import { SPARE } from "./x.ts"; new Fights().forget(); made({ onEnd: () => {} });'),
  ];
  const dead = deadOutsideTests(sources, {}).map(({ line, message }) => `${line} ${message.split(": t")[0]}`);

  assert.deepEqual(dead, [
    "2 SPARE: only tests take it",
    "6 Parts.onEnd: only tests give it",
    "10 Fights.forget: only tests read it",
  ]);
});

Deno.test("deadOutsideTests() takes a reason, and finds a reason for what is in use", () => {
  const sources = [
    sourceOf("agent/x.ts", "export function f() {}\nexport function g() {}"),
    sourceOf("agent/y.ts", 'import { g } from "./x.ts";'),
  ];
  const found = deadOutsideTests(sources, { "agent/x.ts#f": "why", "agent/x.ts#g": "why" });

  assert.deepEqual(found.map(({ message }) => message), ["agent/x.ts#g is in use: it needs no reason"]);
});

const PICTURES: readonly (readonly [string, string])[] = [
  ["lib/x.ts", "class Ground {}"],
  ["lib/x.ts", "const isTold = true;"],
  ["lib/x.ts", "class X { #tellSoon() {} }"],
  ["lib/x.ts", "interface HostParts {}"],
  ["lib/x.ts", "type Host = string;"],
  ["lib/turn_slots.ts", ""],
];

for (const [path, text] of PICTURES) {
  Deno.test(`wordViolations() refuses "${text}" in ${path}`, () => {
    assert.equal(refused(wordViolations, path, text), 1);
  });
}

Deno.test("wordViolations() allows words within words, a machine's host, and prose", () => {
  const text =
    `/** Told by ear. */ const background = hearts + bearer + host + hostNetwork + HOST + HOST_PORT + "slots";`;

  assert.equal(refused(wordViolations, "lib/x.ts", text), 0);
});
