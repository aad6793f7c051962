import assert from "node:assert/strict";
import { Stack } from "$lib/wire/stack.ts";
import { type Entry, stage } from "../compile/stage.ts";
import { openDoor } from "../demo/demo.ts";
import { assemble, runStory } from "../demo/story.ts";
import { watcher } from "../demo/watcher.ts";
import { visitConsole } from "./console_visitor.ts";
import { startServers } from "./servers.ts";
import { adminKey } from "./keys.ts";
import { startAgent, startBroker, untilReady } from "./programs.ts";
import { EVERYWHERE, story } from "./story.ts";

const ROOT = new URL("../../", import.meta.url);
const REVISION = "0123abc";

/** Both programs as `deno task compile` has them before it compiles. */
async function staged(folder: string): Promise<{ readonly broker: Entry; readonly agent: Entry }> {
  const staging = { root: ROOT, revision: REVISION };
  return {
    broker: await stage("broker", { ...staging, folder: `${folder}/broker` }),
    agent: await stage("agent", { ...staging, folder: `${folder}/agent` }),
  };
}

story(
  "compiled: what is compiled tells the demo's story with no more than its permissions",
  EVERYWHERE,
  async (parts) => {
    await using started = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "brokkr-compiled-" });
    started.defer(() => Deno.remove(folder, { recursive: true }));
    const entries = await staged(folder);
    const servers = started.use(await startServers(parts));
    const { pak, pakHash } = await adminKey();
    const broker = started.use(
      startBroker({ ...servers.databaseSettings, BROKER__PAK_HASH: pakHash }, { entry: entries.broker }),
    );
    await untilReady(broker);
    const cast = await assemble(broker.url, pak);
    const agent = started.use(startAgent({
      AGENT__BROKER_URL: broker.url,
      AGENT__PAK: cast.agentPak,
      AGENT__AGENT_NAME: "demo",
      AGENT__CLUSTER_NAME: "demo",
      AGENT__KUBECONFIG_PATH: servers.cluster.kubeconfigPath,
      AGENT__POLLING_INTERVAL: "1",
      AGENT__RESYNC_INTERVAL: "3",
    }, { entry: entries.agent }));
    await untilReady(agent);
    const kubernetes = started.adopt(await openDoor(servers.cluster.kubeconfigPath), (open) => open.close());

    const happenings = await runStory({ cast, watcher: await watcher(kubernetes), say: () => {} });
    const [stack] = await cast.generator.send(Stack.array(), "GET", "/stacks");
    const large = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: large }\ndata: { text: "${
      "x".repeat(50_000)
    }" }\n`;
    const parsedByWorker = await cast.generator.call("POST", `/stacks/${stack?.id}/deployment-objects`, large);

    assert.ok(
      happenings.some(({ object, state }) => object === "Deployment web" && state === "changed, 3 of 3 available"),
    );
    assert.equal(parsedByWorker.status, 201);
    assert.deepEqual(await brokenAssets(broker.url, pak), []);
    assert.deepEqual([await agent.stop(), await broker.stop()], [0, 0]);
    for (const { output } of [broker, agent]) {
      assert.match(output(), /starting version="[\d.]+" revision="0123abc"/);
      assert.doesNotMatch(output(), /NotCapable|requires \w+ access|a bug was met/i);
    }
  },
);

/** What pages of the console and of the API's description name, and does not come as what it is: it was left behind. */
async function brokenAssets(url: string, pak: string): Promise<readonly string[]> {
  const pages = [await (await visitConsole(url, pak)).read("/console"), await (await fetch(`${url}/docs`)).text()];
  const named = pages.flatMap((page) => [...page.matchAll(/(?:href|src)="([^"]+\.(?:css|js|svg))"/g)]);
  const paths = [...new Set(named.map(([, path = ""]) => new URL(path, `${url}/`).pathname))];
  assert.ok(paths.length >= 6, `style, script and icon of the console, style and scripts of /docs: ${paths}`);
  const checked = paths.map(async (path) => {
    const answer = await fetch(url + path);
    const [type, text] = [answer.headers.get("content-type") ?? "", await answer.text()];
    const isWhole = answer.ok && /css|javascript|svg/.test(type) && text.length > 100;
    return isWhole ? [] : [`${path}: ${answer.status} ${type} ${text.length}`];
  });
  return (await Promise.all(checked)).flat();
}
