import assert from "node:assert/strict";
import { random } from "$lib/ids.ts";
import { openKubernetes } from "$lib/kubernetes.ts";
import { startAskingServer } from "../../fakes/asking_server.ts";
import { type Authority, type Certificate, makeAuthority } from "../../fakes/certificates.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { silentLog } from "../../fakes/silent_log.ts";

/** Longer than the files of a door are taken for what they were. */
const LOOKED_AGAIN_MS = 5_000;

Deno.test("an API server is shown the client's certificate that its files hold now, and no half of two", async () => {
  const authority = await makeAuthority("one");
  await using server = await startServer(authority);
  await using door = await doorTo(authority, { port: server.port, shown: await authority.issue("first") });
  const second = await authority.issue("second");

  await door.version();
  await door.clock.advance(LOOKED_AGAIN_MS); // after the first look, files are read again only where they changed
  await door.version();
  await door.write("cert", second.cert);
  await door.clock.advance(LOOKED_AGAIN_MS);
  await door.version();
  await door.write("key", second.key);
  await door.clock.advance(LOOKED_AGAIN_MS);
  await door.version();

  assert.deepEqual(server.shown, ["first", "first", "first", "second"]);
});

Deno.test("a kubeconfig that names another API server leads there, without a restart", async () => {
  const authority = await makeAuthority("one");
  await using former = await startServer(authority);
  await using next = await startServer(authority);
  await using door = await doorTo(authority, { port: former.port, shown: await authority.issue("agent") });

  await door.version();
  await door.lead(next.port);
  await door.clock.advance(LOOKED_AGAIN_MS);
  await door.version();

  assert.deepEqual([former.shown, next.shown], [["agent"], ["agent"]]);
});

/** Says a version to whom its authority vouches for. */
function startServer(authority: Authority) {
  return startAskingServer(authority, (response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify({ gitVersion: "v1.36.3" }));
  });
}

async function doorTo(
  authority: Authority,
  { port, shown }: { readonly port: number; readonly shown: Certificate },
) {
  const folder = await Deno.makeTempDir();
  const write = (file: string, text: string) => Deno.writeTextFile(`${folder}/${file}`, text);
  const lead = (to: number) => write("config", kubeconfig(`https://127.0.0.1:${to}`));
  await Promise.all([write("ca", authority.cert), write("cert", shown.cert), write("key", shown.key), lead(port)]);
  const clock = new ManualClock();
  const kubernetes = await openKubernetes({
    kubeconfigPath: `${folder}/config`,
    env: {},
    metrics: countingMetrics().metrics,
    ...{ clock, random, log: silentLog(), userAgent: "test/1" },
  });
  return {
    clock,
    write,
    lead,
    version: () => kubernetes.version(),
    async [Symbol.asyncDispose]() {
      kubernetes.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "certificate-authority": "ca" } }],
    users: [{ name: "u", user: { "client-certificate": "cert", "client-key": "key" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}
