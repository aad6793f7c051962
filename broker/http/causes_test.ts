import assert from "node:assert/strict";
import { apiOver, buildWorld, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";

const API = "/api/v1";
const CURL = /^curl -X (\w+) "\$BROKKR_URL(\S+)" -H "Authorization: \$BROKKR_PAK"(?: -d '(.*)')?$/;

interface Shown {
  readonly code: string;
  readonly next: string | null;
  readonly agents?: number;
  readonly first_agents?: readonly { readonly name: string }[];
}

/** One database for this file; what a step writes is undone. */
Deno.test("causes over HTTP", async (t) => {
  await using held = await embeddedDatabase();
  const kept = openStore(held.database);
  const world = await buildWorld(kept);
  for (const [claim, check] of CLAIMS) {
    await t.step(claim, () => undone(kept, (store) => check(world, store)));
  }
});

const CLAIMS: readonly (readonly [claim: string, check: (world: World, store: Store) => Promise<void>])[] = [
  ["an agent that is inactive is the first cause, and the command that it names ends that", async (world, store) => {
    await store.agents.heartbeat(world.agentId, {});
    await store.deliveries.report({
      agentId: world.agentId,
      stackId: world.stackId,
      state: "failed",
      reason: "refused",
    });

    const before = await causes(world, store);
    await carryOut(before[0], world, store);
    const after = await causes(world, store);

    assert.deepEqual([before, after].map((all) => all.map(({ code }) => code)), [
      ["agent_inactive", "refused"],
      ["refused"],
    ]);
  }],
  ["a removal that is held is a cause, and the command that it names approves it", async (world, store) => {
    await store.agents.heartbeat(world.agentId, {});
    await store.agents.change(world.agentId, { status: "ACTIVE" });
    await store.targets.remove(world.agentId, world.stackId);
    const held = { state: "blocked", reason: "prune_held", revision: 7 } as const;
    await store.deliveries.report({ agentId: world.agentId, stackId: world.stackId, ...held });

    const [cause] = await causes(world, store);
    await carryOut(cause, world, store);

    const { pruneApproved } = await store.snapshots.read(world.agentId, { isOwn: false });
    assert.deepEqual([cause?.code, pruneApproved], ["prune_held", 7]);
  }],
  ["a stack that is suspended is a cause, and the command that it names resumes it", async (world, store) => {
    await store.agents.heartbeat(world.agentId, {});
    await store.agents.change(world.agentId, { status: "ACTIVE" });
    await store.stacks.change(world.stackId, { name: "it's", suspended: true });
    const blocked = { state: "blocked", reason: "suspended" } as const;
    await store.deliveries.report({ agentId: world.agentId, stackId: world.stackId, ...blocked });

    const [cause] = await causes(world, store);
    await carryOut(cause, world, store);

    const { name, suspended } = await store.stacks.get(world.stackId);
    assert.deepEqual([cause?.code, name, suspended], ["suspended", "it's", false]);
  }],
  ["the causes of a stack are each one once, with how many agents and which", async (world, store) => {
    const hash = () => crypto.getRandomValues(new Uint8Array(32)).toHex();
    const generatorIds = [world.generatorId];
    const { id } = await store.agents.add({ name: "a3", clusterName: "c3", pakHash: hash(), generatorIds });
    await store.targets.add(id, world.stackId);
    for (const agentId of [world.agentId, id]) {
      await store.agents.heartbeat(agentId, {});
      await store.agents.change(agentId, { status: "ACTIVE" });
      await store.deliveries.report({ agentId, stackId: world.stackId, state: "failed", reason: "unavailable" });
    }
    await store.agents.change(id, { status: "INACTIVE" });

    const { body } = await apiOver(store)({ path: `${API}/stacks/${world.stackId}/causes`, key: world.keys.generator });

    assert.deepEqual(
      (body as readonly Shown[]).map(({ code, agents, first_agents: first = [] }) => [
        ...[code, agents, first.map(({ name }) => name).toSorted()],
      ]),
      [["agent_inactive", 1, ["a3"]], ["unavailable", 2, ["a1", "a3"]]],
    );
  }],
];

async function causes({ agentId, stackId, keys }: World, store: Store): Promise<readonly Shown[]> {
  const { body } = await apiOver(store)({ path: `${API}/deliveries/${agentId}/${stackId}`, key: keys.admin });
  return (body as { readonly causes: readonly Shown[] }).causes;
}

/** Does what a cause says, as a shell would. */
async function carryOut(cause: Shown | undefined, { keys }: World, store: Store): Promise<void> {
  const [, method = "", path = "", quoted] = CURL.exec(cause?.next ?? "") ?? [];
  const body = quoted?.replaceAll("'\\''", "'");
  const headers = { "content-type": "application/x-www-form-urlencoded" }; // as curl has it
  const { status, text } = await apiOver(store)({ method, path, key: keys.admin, body, headers });
  assert.ok(status < 300, `${cause?.next}: ${text}`);
}
