import assert from "node:assert/strict";
import { startSimulatedCluster } from "../fakes/cluster/mod.ts";
import { FROM_GLOBAL_CACHE } from "../run/packages.ts";
import { longTest, testWith } from "../run/parts.ts";

const MAIN = new URL("../demo/main.ts", import.meta.url).pathname;

interface Ended {
  readonly code: number;
  readonly text: string;
}

async function demo(...args: readonly string[]): Promise<Ended> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", FROM_GLOBAL_CACHE, "-A", MAIN, ...args],
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** What the table has to say, as it is printed. */
const ROWS = [
  /submitted +Namespace brokkr-demo +created, Active +\d/,
  /submitted +ConfigMap web-page +created, present +\d/,
  /submitted +Deployment web +created, 2 of 2 available +\d/,
  /submitted +Service web +created, present +\d/,
  /submitted +reported applied +SUCCESS +\d/,
  /changed +ConfigMap web-page +changed, present +\d/,
  /changed +Deployment web +changed, 3 of 3 available +\d/,
  /changed +Service web +untouched, present +–/,
  /moved +ConfigMap web-page +handed over, same uid +\d/,
  /removed by hand +ConfigMap web-page +back again, present +\d/,
];
/** Lines of both metrics pages that such a run must have moved by exactly so much. */
const MOVED = [
  /brokkr_http_requests_total\{method="POST",endpoint="\/api\/v1\/stacks\/:id\/deployment-objects",status="201"\} 4/,
  /brokkr_stacks_total 2/,
  /brokkr_deployment_objects_total 4/,
  /brokkr_active_agents 1/,
  /brokkr_agent_objects_total\{action="created"\} 5/,
  /brokkr_agent_objects_total\{action="configured"\} 3/,
];

longTest("demo --once tells its story, prints the table and the metrics that moved, and ends with 0", async () => {
  const { code, text } = await demo("--once");

  assert.equal(code, 0, text);
  for (const row of [...ROWS, ...MOVED]) assert.match(text, row);
  assert.match(text, /admin key +brokkr_BR\w+_\w+/);
  assert.match(text, /^ {2}export BROKKR_URL=\S+ BROKKR_PAK=brokkr_BR\w+_\w+$/m);
});

longTest("demo --trace prints the one trace of its first delivery as a tree, from both programs", async () => {
  const { code, text } = await demo("--once", "--trace");

  assert.equal(code, 0, text);
  const [, tree = ""] = text.split("One trace: the first delivery");
  const row = (program: string, span: string) => new RegExp(`\\d\\.\\d +\\d+\\.\\d +${program} +${span}\n`);
  const after = [
    row("brokkr-broker", "POST /api/v1/stacks/:id/deployment-objects"),
    row("brokkr-broker", "settle"),
    row("brokkr-agent", "apply stack"),
    row("brokkr-agent", "PATCH /apis/apps/v1/namespaces/{namespace}/deployments/{name}"),
    row("brokkr-broker", "POST /api/v1/agents/:id/events"),
  ].map((pattern) => lastPlace(tree, pattern)); // a turn that takes long says before its writes that it applies
  assert.ok(after.every((place) => place >= 0), tree);
  assert.deepEqual(after, after.toSorted((one, other) => one - other), tree);
  assert.match(tree, row("brokkr-broker", "delivery wait"));
});

function lastPlace(text: string, pattern: RegExp): number {
  return [...text.matchAll(new RegExp(pattern, "g"))].at(-1)?.index ?? -1;
}

longTest("demo --otlp sends metrics, traces and logs there, below the path that is named", async () => {
  const paths = new Map<string, number>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { length } = await request.bytes();
    const { pathname } = new URL(request.url);
    paths.set(pathname, (paths.get(pathname) ?? 0) + length);
    return new Response();
  });

  const { code, text } = await demo("--once", "--otlp", `http://127.0.0.1:${server.addr.port}/base`);

  assert.equal(code, 0, text);
  assert.deepEqual([...paths.keys()].sort(), ["/base/v1/logs", "/base/v1/metrics", "/base/v1/traces"]);
});

longTest("demo --kubeconfig uses the cluster that is named, and leaves nothing in it", async () => {
  await using cluster = await startSimulatedCluster();
  const before = await inventory(cluster.url);

  const { code, text } = await demo("--once", "--kubeconfig", cluster.kubeconfigPath);

  assert.equal(code, 0, text);
  assert.match(text, /removed by hand +ConfigMap web-page +back again/);
  assert.deepEqual(await inventory(cluster.url), before);
});

longTest("demo ends with 1 and the reason when it can't go on", async () => {
  const { code, text } = await demo("--once", "--kubeconfig", "/nowhere/kubeconfig");

  assert.equal(code, 1);
  assert.match(text, /The demo failed: .*\/nowhere\/kubeconfig/);
});

testWith("nodes", "demo --cluster real tells the same story on a real control plane", async () => {
  const { code, text } = await demo("--once", "--cluster", "real");

  assert.equal(code, 0, text);
  for (const row of ROWS) assert.match(text, row);
});

async function inventory(url: string): Promise<readonly string[]> {
  const lists = await Promise.all(["namespaces", "configmaps"].map(async (name) => {
    const { items } = await (await fetch(`${url}/api/v1/${name}`)).json();
    return items.map(({ metadata }: { metadata: { name: string; namespace?: string } }) =>
      `${metadata.namespace}/${metadata.name}`
    );
  }));
  return lists.flat().sort();
}
