import assert from "node:assert/strict";
import { type Clock, systemClock } from "$lib/clock.ts";
import type { ApiResource, Kubernetes, KubernetesObject } from "$lib/kubernetes.ts";
import { startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { claim, definition, down, downs, job, TYPES, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, openWorld, type ReconcileWorld, type TestAgent } from "./world.ts";
import { longTest } from "../../run/parts.ts";

/** What a killed process throws is no failure that anybody handles. */
class Killed extends Error {}

/** A process that dies with one of its requests: before that takes effect, or before it hears of it. */
class Life {
  readonly #last: number;
  readonly #isServed: boolean;
  requests = 0;
  /** Whether the request that was its last one was a write. */
  hasWrittenLast = false;

  constructor(last: number, isServed: boolean) {
    this.#last = last;
    this.#isServed = isServed;
  }

  door(kubernetes: Kubernetes): Kubernetes {
    const read = <T>(ask: () => Promise<T>) => this.#during(ask, false);
    const write = <T>(ask: () => Promise<T>, isDryRun = false) => this.#during(ask, !isDryRun);
    return {
      ...kubernetes,
      discover: (...what) => read(() => kubernetes.discover(...what)),
      discoverGroups: (...what) => read(() => kubernetes.discoverGroups(...what)),
      get: (...what) => read(() => kubernetes.get(...what)),
      list: (...what) => read(() => kubernetes.list(...what)),
      listMetadata: (resource, options) => read(() => kubernetes.listMetadata(resource, options)),
      create: (...what) => write(() => kubernetes.create(...what), what[2]?.dryRun),
      apply: (...what) => write(() => kubernetes.apply(...what), what[2]?.dryRun),
      patch: (...what) => write(() => kubernetes.patch(...what)),
      delete: (...what) => write(() => kubernetes.delete(...what)),
      forStack: (...who) => this.door(kubernetes.forStack(...who)),
      writingAfter: (ready) => this.door(kubernetes.writingAfter(ready)),
    };
  }

  async #during<T>(ask: () => Promise<T>, isWrite: boolean): Promise<T> {
    this.requests += 1;
    if (this.requests > this.#last) throw new Killed("killed");
    const isLast = this.requests === this.#last;
    if (isLast) this.hasWrittenLast = isWrite;
    if (isLast && !this.#isServed) throw new Killed("killed");
    const answer = await ask();
    if (this.requests >= this.#last) throw new Killed("killed");
    return answer;
  }
}

longTest(
  "an agent killed with any one of its requests leaves nothing that the next start does not put right",
  async () => {
    await using cluster = await startSimulatedCluster({ controllerDelayMs: 1 });
    for (let [last, isServed, isOver] = [1, false, false]; !isOver;) {
      using world = await openWorld(cluster.kubeconfigPath);
      const life = new Life(last, isServed);
      await dieAndStartAgain(world, life, `killed with request ${last}${isServed ? ", which was served" : ""}`);
      isOver = life.requests < last;
      [last, isServed] = life.hasWrittenLast && !isServed ? [last, true] : [last + 1, false];
    }
  },
);

const SYSTEM = systemClock();
/** The system's time, by which nobody looks whether something is gone after half a second only. */
const HASTY: Clock = { ...SYSTEM, sleep: (ms, signal) => SYSTEM.sleep(Math.min(ms, 5), signal) };

/**
 * Three stacks: one changes, hands objects over to the second and lets go of others; the third is deleted. What the
 * dead process brought is not all wanted any more.
 */
interface Stacks {
  readonly [name: string]: string;
}

async function dieAndStartAgain(world: ReconcileWorld, life: Life, what: string): Promise<void> {
  const { namespace, newStack } = world;
  const group = `${namespace.replace("case-", "k")}.example`;
  const stacks = { changing: newStack(), taking: newStack(), leaving: newStack() };
  const crd = yamlOf(definition(group, [{ name: "v1" }]));
  const migrate = (image: string) => yamlOf(job(image), { replace: "immutable" });
  const before = bundleOf(
    ...["same", "moved", "dropped"].map((name) => configMapYaml(name, "1")),
    ...[yamlOf(claim("moved")), crd, yamlOf(down(group, "v1", { a: "x" })), migrate("m:1")],
  );
  const after = bundleOf(configMapYaml("same", "2"), crd, yamlOf(down(group, "v1", { a: "y" })), migrate("m:2"));
  const taken = bundleOf(configMapYaml("moved", "1"), yamlOf(claim("moved")));
  const first = await world.agent({ clock: HASTY });
  await first.reconcile(stacks.changing, before);
  await first.reconcile(stacks.leaving, configMapYaml("left", "1"));
  const uids = await uidsOf(world, group);

  using dying = await first.restarted({ clock: HASTY, doorOver: (door) => life.door(door) });
  const more = bundleOf(after, configMapYaml("passing", "1"));
  await bring(dying, stacks, [more, taken]).catch((error) => assert.ok(error instanceof Killed, String(error)));
  using next = await first.restarted({ clock: HASTY });
  await bring(next, stacks, [after, taken]);
  const unchanged = await bring(next, stacks, [after, taken]);
  const seen = await uidsOf(world, group);
  const image = (await world.hand.get(TYPES.jobs, "migrate", namespace))?.spec;
  const removed = [];
  for (const id of Object.values(stacks)) removed.push((await next.remove(id)).result);

  assert.deepEqual(unchanged, ["unchanged", "unchanged", "unchanged", "unchanged"], what);
  assert.deepEqual(seen, { ...uids, dropped: undefined, left: undefined }, what);
  assert.match(JSON.stringify(image), /"m:2"/, what);
  assert.deepEqual(removed, ["applied", "applied", "unchanged"], what);
  assert.deepEqual(Object.values(await uidsOf(world, group)), Array(7).fill(undefined), what);
  assert.deepEqual(await next.reconciler.inventory.listStacks(), [], what);
}

async function bring(agent: TestAgent, stacks: Stacks, [after, taken]: readonly [string, string]): Promise<string[]> {
  const { changing = "", taking = "", leaving = "" } = stacks;
  agent.plan({ id: changing, bundle: after }, { id: taking, bundle: taken });
  const outcomes = [
    await agent.reconcile(changing, after),
    await agent.reconcile(taking, taken),
    await agent.reconcile(changing, after),
    await agent.remove(leaving),
  ];
  return outcomes.map(({ result }) => result);
}

/** Which objects there are; the Job is made anew, and not among them. */
async function uidsOf({ hand, namespace }: ReconcileWorld, group: string) {
  const uid = async (type: ApiResource, name: string) => uidOf(await hand.get(type, name, namespace));
  return {
    same: await uid(CONFIG_MAP, "same"),
    moved: await uid(CONFIG_MAP, "moved"),
    dropped: await uid(CONFIG_MAP, "dropped"),
    left: await uid(CONFIG_MAP, "left"),
    passing: await uid(CONFIG_MAP, "passing"),
    claim: await uid(TYPES.claims, "moved"),
    down: await uid(downs(group, "v1"), "d"),
  };
}

function uidOf(object: KubernetesObject | undefined): string | undefined {
  return object?.metadata.uid;
}
