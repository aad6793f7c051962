import assert from "node:assert/strict";
import { apiOver, buildWorld, CONFIG_MAP, undone, type World } from "../../tests/fakes/api_world.ts";
import { called } from "../../tests/commands/called.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { judgeBundle } from "../domain/bundle_verdict.ts";
import { readSubmission } from "../domain/deployment_object.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";

const API = "/api/v1";
const PROGRAM = "brokkr-broker ";

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
  ["what waits for a person's word is a cause, with the command that gives it", async (world, store) => {
    const { agentId, stackId } = world;
    await store.agents.heartbeat(agentId, {});
    await store.agents.change(agentId, { status: "ACTIVE" });
    await store.stacks.change(stackId, { name: "it's" });
    const held = async (reason: string) => {
      await store.deliveries.report({
        agentId,
        stackId,
        state: "blocked",
        reason,
        revision: 7,
        objectId: world.objectId,
      });
      return (await causes(world, store))[0]?.next;
    };

    assert.deepEqual([await held("prune_held"), await held("namespace_not_empty"), await held("suspended")], [
      `brokkr-broker approve ${agentId} --revision 7`,
      `brokkr-broker approve ${agentId} --stack 'it'\\''s' --revision 7`,
      `brokkr-broker resume 'it'\\''s'`,
    ]);
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
  [
    "of a stack that no agent is to have the cause is why: nothing submitted, not settled, or nobody",
    async (world, store) => {
      const { id } = await store.stacks.add({ name: "alone", generatorId: world.generatorId });
      const codes = async () => (await ofStack(world, store, id)).map(({ code, agents }) => [code, agents]);

      const before = await codes();
      await submit(store, id);
      const after = await codes();
      await store.stackTags.addLabel(id, "green");
      await store.agentTags.addLabel(world.otherAgentId, "green");
      const alike = await ofStack(world, store, id);
      await carryOut(alike.find(({ code }) => code === "agent_not_registered"), world, store);

      assert.deepEqual([before, after, alike.map(({ code, agents }) => [code, agents])], [
        [["nothing_submitted", 0]],
        [["no_agent", 0]],
        [["no_agent", 0], ["agent_not_registered", 1]],
      ]);
      assert.deepEqual(alike[1]?.first_agents?.map(({ name }) => name), ["a2"]);
      assert.deepEqual(await codes(), [["agent_inactive", 1], ["agent_never_connected", 1], ["not_polled", 1]]);
    },
  ],
  ["a team is told no agent that is not registered with it, and no other team's stack", async (world, store) => {
    await store.stacks.add({ name: 'bank"s', generatorId: world.otherGeneratorId });
    await store.agentTags.addLabel(world.otherAgentId, "blue");
    await store.agents.heartbeat(world.agentId, {});
    const message = 'ConfigMap "a": stack "bank\\"s" has it, or comes first, not stack "web"';
    const blocked = { state: "blocked", reason: "wanted_elsewhere", message } as const;
    await store.deliveries.report({ agentId: world.agentId, stackId: world.stackId, ...blocked });
    const paths = ["/stacks/STACK/causes", "/deliveries", "/deliveries/AGENT/STACK", "/stacks/STACK/deliveries"]
      .map((path) => API + path.replace("STACK", world.stackId).replace("AGENT", world.agentId));
    const texts = (key: string) => Promise.all(paths.map(async (path) => (await apiOver(store)({ path, key })).text));

    const [team, admin] = [await texts(world.keys.generator), await texts(world.keys.admin)];

    assert.deepEqual(team.map((text) => text.includes("bank") || text.includes('"a2"')), [false, false, false, false]);
    assert.deepEqual(team.map((text) => text.includes("another owner's stack has it, or comes first, not stack")), [
      ...[true, true, true, true],
    ]);
    assert.deepEqual(admin.map((text) => text.includes("bank")), [true, true, true, true]);
  }],
];

async function causes({ agentId, stackId, keys }: World, store: Store): Promise<readonly Shown[]> {
  const { body } = await apiOver(store)({ path: `${API}/deliveries/${agentId}/${stackId}`, key: keys.admin });
  return (body as { readonly causes: readonly Shown[] }).causes;
}

/** Does what a cause says: the command line's own program, over the API of this store. */
async function carryOut(cause: Shown | undefined, { keys }: World, store: Store): Promise<void> {
  const command = cause?.next ?? "";
  const { code, notes } = await called(command.slice(PROGRAM.length), {
    answers: async ({ method, path, body }) => {
      const sent = body === "" ? undefined : JSON.parse(body);
      const answer = await apiOver(store)({ method, path: `${API}/${path}`, key: keys.admin, body: sent });
      return { status: answer.status, body: answer.body };
    },
  });
  assert.deepEqual([command.startsWith(PROGRAM), code], [true, 0], `${command}: ${notes}`);
}

async function ofStack({ keys }: World, store: Store, id: string): Promise<readonly Shown[]> {
  const { body } = await apiOver(store)({ path: `${API}/stacks/${id}/causes`, key: keys.admin });
  return body as readonly Shown[];
}

async function submit(store: Store, stackId: string): Promise<void> {
  const submission = { stackId, yamlContent: CONFIG_MAP, isDeletionMarker: false };
  await store.objects.submit(await readSubmission(submission, judgeBundle(CONFIG_MAP)));
}
