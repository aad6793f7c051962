import assert from "node:assert/strict";
import { dirname } from "node:path";
import { Snapshot } from "$lib/wire/snapshot.ts";
import { helmFolder } from "../helm/helm.ts";
import { blocksOf, commandsOf } from "../pages/blocks.ts";
import { findPostgres, type PostgresServer } from "../postgres/postgres_server.ts";
import { type Part, testWith } from "../run/parts.ts";
import { bundle, configMap, namespace } from "./bundles.ts";
import { readSamples } from "./metrics_page.ts";
import { untilPolled } from "./polls.ts";
import { startProxy } from "./proxy.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "docs/content/how-to/back-up-and-restore.md";
const PARTS: readonly Part[] = ["postgres", "nodes", "helm"];
const OBJECT = "/api/v1/namespaces/shop/configmaps/late";

/** What a snapshot says after each; of one stack with one object no guard would hold the removal. */
const DATABASES = {
  "was swapped": (truth: Snapshot) => ({ ...truth, epoch: crypto.randomUUID(), revision: truth.revision + 1 }),
  "was restored from an old backup": (truth: Snapshot) => ({ ...truth, revision: truth.revision - 1 }),
};

for (const [what, after] of Object.entries(DATABASES)) {
  story(`7: a broker whose database ${what} deletes nothing`, EVERYWHERE, async (parts) => {
    let other: Snapshot | undefined;
    await using proxy = startProxy((request, forward) =>
      other === undefined || !new URL(request.url).pathname.endsWith("/snapshot")
        ? forward(request)
        : Promise.resolve(Response.json(other))
    );
    await using world = await openWorld({ parts, brokerUrlOfAgent: (url) => proxy.before(url) });
    await world.untilApplied(await world.submit(await world.addStack("early"), configMap("early")));
    const early = "/api/v1/namespaces/default/configmaps/early";
    const before = await world.cluster.get(early);
    const root = `/api/v1/namespaces/default/configmaps/brokkr-agent-${world.agentId}`;
    const marks = async () => (await world.cluster.get(root))?.metadata.annotations ?? {};
    const { "brokkr.io/epoch": epoch, "brokkr.io/revision": revision } = await marks();

    const truth = await world.admin.send(Snapshot, "GET", `/agents/${world.agentId}/snapshot`);
    other = { ...after({ ...truth, revision: Number(revision) }), stacks: [] };
    await eventually("the agent is on hold", async () => "brokkr.io/hold" in await marks());
    await untilPolled(world, 3);
    await world.agent.kill();
    await world.startAgent();
    await untilPolled(world, 3);
    other = { ...other, revision: Number(revision) + 10 };
    await untilPolled(world, 3);

    assert.equal((await world.cluster.get(early))?.metadata.uid, before?.metadata.uid);
    const now = await marks();
    assert.deepEqual([now["brokkr.io/epoch"], now["brokkr.io/revision"]], [epoch, revision]);
    assert.ok("brokkr.io/hold" in now);
  });
}

testWith(
  PARTS,
  "story 7: back-up-and-restore.md: a stack made after the backup is lost, and what it brought is handed over to the one made again",
  async () => {
    await using world = await openWorld({ parts: PARTS });
    await using reader = await openReader(world);
    await world.untilApplied(await world.submit(await world.addStack("early"), bundle(namespace("shop"))));
    await reader.type("pg_dump");
    const late = configMap("late", { namespace: "shop" });
    const lostId = await world.addStack("late");
    await world.untilApplied(await world.submit(lostId, late));
    const { uid } = (await world.cluster.get(OBJECT))?.metadata ?? {};

    await world.broker.stop();
    await emptyDatabase(world);
    await reader.type("pg_restore");
    await world.startBroker();
    await eventually("its removal is held", async () => await held(world) === 1);
    const again = await world.submit(await world.addStack("late"), late);
    await world.untilApplied(again);
    await reader.type("annotate accept-epoch", await accepting(world));
    await eventually("the lost stack is gone", async () => !(await recordsOf(world)).includes(lostId));

    assert.ok(uid !== undefined);
    assert.equal((await world.cluster.get(OBJECT))?.metadata.uid, uid);
  },
);

/** The names of the agent's records in its cluster, which have the ids of the stacks in them. */
async function recordsOf({ cluster }: World): Promise<string> {
  const records = await cluster.list("/api/v1/namespaces/default/configmaps");
  return records.map(({ metadata }) => metadata.name).join();
}

async function held({ agent }: World): Promise<number | undefined> {
  const page = await fetch(`${agent.url}/metrics`);
  return readSamples(await page.text()).get("brokkr_agent_prunes_blocked");
}

function serverOf({ servers: { postgres } }: World): PostgresServer {
  return postgres ?? assert.fail("there must be a PostgreSQL");
}

async function emptyDatabase(world: World): Promise<void> {
  const { asSuperuser, database, user } = serverOf(world);
  await asSuperuser((sql) => sql.unsafe(`drop database ${database}`));
  await asSuperuser((sql) => sql.unsafe(`create database ${database} owner ${user}`));
}

async function accepting({ admin, agentId }: World): Promise<Readonly<Record<string, string>>> {
  const { epoch } = await admin.send(Snapshot, "GET", `/agents/${agentId}/snapshot`);
  return { AGENT_NAMESPACE: "default", AGENT_ID: agentId, EPOCH: epoch };
}

/** Who types the page's commands, where PostgreSQL's programs and kubectl are. */
interface Reader extends AsyncDisposable {
  /** Types the one command of the page that has these words in it; fails the test unless it succeeds. */
  type(words: string, variables?: Readonly<Record<string, string>>): Promise<void>;
}

async function openReader(world: World): Promise<Reader> {
  const commands = commandsOf(await blocksOf(PAGE));
  const cwd = await Deno.makeTempDir({ prefix: "brokkr-reader-" });
  const { user, database, socketDir, port } = serverOf(world);
  const programs = [helmFolder(), dirname((await findPostgres())?.postgres ?? ""), Deno.env.get("PATH")];
  const env = {
    PATH: programs.join(":"),
    KUBECONFIG: world.cluster.kubeconfigPath,
    DATABASE_URL: `postgres://${user}@/${database}?host=${socketDir}&port=${port}`,
  };
  return {
    async type(words, variables = {}) {
      const [command, ...others] = commands.filter((one) => words.split(" ").every((word) => one.includes(word)));
      assert.ok(command !== undefined && others.length === 0, words);
      const options = { cwd, clearEnv: true, env: { ...env, ...variables } };
      const { code, stderr } = await new Deno.Command("bash", { args: ["-uc", command], ...options }).output();
      assert.equal(code, 0, `${command}\n${new TextDecoder().decode(stderr)}`);
    },
    [Symbol.asyncDispose]: () => Deno.remove(cwd, { recursive: true }),
  };
}
