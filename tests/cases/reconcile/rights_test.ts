import assert from "node:assert/strict";
import { readAudit, requestSeen } from "../../cluster/audit.ts";
import { testWith } from "../../run/parts.ts";
import { openRightsWorld, type RightsWorld } from "./rights_world.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, nameOf } from "./world.ts";

interface RightsCase {
  readonly name: string;
  run(rights: RightsWorld): Promise<void>;
}

const CASES: readonly RightsCase[] = [
  {
    name: "within its rights a stack is applied, pruned and removed; the agent itself only looks and records",
    async run(rights) {
      const { world, agent, shop, teams: { shop: generatorId } } = rights;
      const stack = world.newStack();
      const [a, b] = ["a", "b"].map((name) => configMapYaml(name, "1", { namespace: shop }));
      const outcomes = [
        await agent.reconcile(stack, bundleOf(a ?? "", b ?? ""), { generatorId }),
        await agent.reconcile(stack, bundleOf(a ?? ""), { generatorId }),
      ];
      const left = await world.hand.get(CONFIG_MAP, "b", shop);
      const removed = await agent.remove(stack);

      for (const { result, message } of [...outcomes, removed]) assert.equal(result, "applied", message);
      assert.deepEqual([left, await world.hand.get(CONFIG_MAP, "a", shop)], [undefined, undefined]);
      assert.deepEqual(await usersIn(rights, shop), [`brokkr:generator:${generatorId}`]);
      assert.deepEqual(await usersIn(rights, world.inventory), [`system:serviceaccount:${world.inventory}:agent`]);
    },
  },
  {
    name: "outside of them it is refused, and delays nobody who may",
    async run(rights) {
      const { world, agent, shop, bank, teams } = rights;
      const [greedy, modest] = [world.newStack(), world.newStack()];
      const theirs = configMapYaml("theirs", "1", { namespace: bank });
      const both = bundleOf(configMapYaml("mine", "1", { namespace: shop }), theirs);

      const refused = await agent.reconcile(greedy, both, { generatorId: teams.shop });
      const applied = await agent.reconcile(modest, theirs, { generatorId: teams.bank });
      const within = await agent.reconcile(greedy, configMapYaml("mine", "1", { namespace: shop }), {
        generatorId: teams.shop,
      });

      assert.deepEqual([refused.result, refused.reason], ["failed", "refused"]);
      assert.match(
        refused.message,
        new RegExp(
          `User "brokkr:generator:${teams.shop}" cannot patch resource "configmaps" .* in the namespace "${bank}"`,
        ),
      );
      assert.deepEqual(refused.results.map(({ name }) => name), ["theirs"]);
      for (const { result, message } of [applied, within]) assert.equal(result, "applied", message);
      for (const stack of [greedy, modest]) await agent.remove(stack);
    },
  },
  {
    name: "an object is handed over where both generators may change it, and else stays where it is",
    async run(rights) {
      const { world, agent, shop, bank, teams, allow, forbid } = rights;
      const [from, to] = [world.newStack(), world.newStack()];
      const [moved, other] = ["moved", "other"].map((name) => configMapYaml(name, "1", { namespace: shop }));
      const [left, right] = [other ?? "", moved ?? ""];
      const give = () => agent.reconcile(from, left, { generatorId: teams.shop });
      const take = () => agent.reconcile(to, right, { generatorId: teams.bank });
      await agent.reconcile(from, bundleOf(left, right), { generatorId: teams.shop });
      const uid = await uidOf(rights);
      agent.plan({ id: from, bundle: left }, { id: to, bundle: right });

      const unable = await take();
      const waiting = await give();
      await allow(teams.bank, shop);
      await forbid(teams.shop, shop);
      const unwilling = await take();
      await allow(teams.shop, shop);
      const taken = await take();
      const given = await give();

      assert.deepEqual([unable.reason, waiting.reason, unwilling.reason], ["refused", "waiting", "refused"]);
      assert.match(waiting.message, new RegExp(`"moved" .*stays until stack "${nameOf(to)}" has taken it over`));
      assert.match(
        unwilling.message,
        new RegExp(`the stack that has it may not let it go: .*User "brokkr:generator:${teams.shop}" cannot patch`),
      );
      assert.deepEqual([taken.result, given.result], ["applied", "unchanged"], `${taken.message}\n${given.message}`);
      assert.deepEqual([agent.objectsOf(from), agent.objectsOf(to)], [1, 1]);
      assert.equal(await uidOf(rights), uid);
      for (const stack of [from, to]) await agent.remove(stack);
      await forbid(teams.bank, shop);
      assert.equal(await world.hand.get(CONFIG_MAP, "moved", bank), undefined);
    },
  },
  {
    name: "with its rights taken away nothing is removed and nothing forgotten, whoever is asked to",
    async run(rights) {
      const { world, agent, shop, teams: { shop: generatorId }, allow, forbid } = rights;
      const stack = world.newStack();
      const one = configMapYaml("one", "1", { namespace: shop });
      await agent.reconcile(stack, bundleOf(one, configMapYaml("two", "1", { namespace: shop })), { generatorId });

      await forbid(generatorId, shop);
      const pruning = await agent.reconcile(stack, one, { generatorId });
      using restarted = await agent.restarted({ impersonatesGenerators: true });
      const removing = await restarted.remove(stack);
      const looked = await restarted.reconciler.observed.doorOf(stack)
        .get({ resource: CONFIG_MAP, namespace: shop, name: "two" })
        .catch((error: Error) => error.message);
      const there = await world.hand.get(CONFIG_MAP, "two", shop);
      await allow(generatorId, shop);
      const removed = await restarted.remove(stack);

      assert.deepEqual([pruning.result, removing.result], ["failed", "failed"]);
      assert.match(removing.message, new RegExp(`User "brokkr:generator:${generatorId}" cannot list`));
      assert.match(String(looked), new RegExp(`User "brokkr:generator:${generatorId}" cannot get`));
      assert.notEqual(there, undefined);
      assert.equal(removed.result, "applied", removed.message);
      assert.deepEqual(removed.results.map(({ name, action }) => [name, action]).sort(), [
        ["one", "deleted"],
        ["two", "deleted"],
      ]);
    },
  },
  {
    name: "a stack of which nobody recorded whose it is has no rights at all",
    async run(rights) {
      const { world, agent, shop } = rights;

      const outcome = await agent.reconcile(world.newStack(), configMapYaml("a", "1", { namespace: shop }));

      assert.equal(outcome.reason, "refused");
      assert.match(outcome.message, /cannot impersonate resource "users"/);
    },
  },
];

testWith("nodes", "what a generator's stacks may do is what the cluster allows its user", async (test) => {
  await using rights = await openRightsWorld();
  for (const { name, run } of CASES) await test.step(name, () => run(rights));
});

/** As whom the agent's process asked about objects of a namespace. */
async function usersIn({ control, agent }: RightsWorld, namespace: string): Promise<readonly string[]> {
  const seen = (await readAudit(control)).map(requestSeen);
  const own = seen.filter(({ userAgent }) => userAgent === `brokkr-agent/${agent.id.slice(0, 8)}`);
  return [...new Set(own.filter((request) => request.namespace === namespace).map(({ user }) => user))];
}

async function uidOf({ world, shop }: RightsWorld): Promise<string | undefined> {
  return (await world.hand.get(CONFIG_MAP, "moved", shop))?.metadata.uid;
}
