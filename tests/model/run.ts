import assert from "node:assert/strict";
import { isFailure } from "$lib/error.ts";
import { type SimulatedCluster, startSimulatedCluster } from "../fakes/cluster/mod.ts";
import { type Dice, diceOf } from "./dice.ts";
import { addFaults } from "./faults.ts";
import { INVENTORY, ModelAgent, type TurnOptions } from "./model_agent.ts";
import { operate } from "./operations.ts";
import { NAMESPACE, STRANGERS } from "./slots.ts";
import { Wanted } from "./wanted.ts";
import { Witness } from "./witness.ts";

/** Operations between two looks at whether the cluster is as it must be. */
const BATCH = 10;
/** Within so many rounds in which every stack has a turn the cluster is as it must be. */
const ROUNDS = 3;
const KILLS = 0.15;
const SIDE_BY_SIDE = 0.3;

/** How much a run does, and by which chance. */
export interface ModelRun {
  readonly seed: number;
  readonly operations: number;
}

/** What a run did. */
export interface ModelTally {
  turns: number;
  /** Processes that were killed in a turn. */
  kills: number;
  /** Turns that failed, or waited for something. */
  unfinished: number;
  checks: number;
}

/**
 * Does random things to stacks, objects and the agent's connection, and looks whether the cluster is as the model says.
 *
 * @throws {AssertionError} with the seed, the step and what was done last.
 */
export async function runModel({ seed, operations }: ModelRun): Promise<ModelTally> {
  await using cluster = await startSimulatedCluster({ controllerDelayMs: 1 });
  for (const name of [NAMESPACE, INVENTORY]) {
    await cluster.write({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  for (const slot of STRANGERS) await cluster.write(JSON.parse(JSON.stringify(slot.manifest("found"))));
  const wanted = new Wanted();
  using agent = await ModelAgent.open(cluster.kubeconfigPath, wanted);
  const run = new Run({ cluster, wanted, agent, witness: new Witness(cluster, wanted) });
  for (let step = 0; step < operations; step += 1) {
    try {
      await run.step(diceOf(seed, step));
      if (step % BATCH === BATCH - 1 || step === operations - 1) await run.settle(diceOf(seed, -step));
    } catch (error) {
      const done = run.done.slice(-2 * BATCH).join(", ");
      throw new Error(`The cluster is not as it must be: seed ${seed}, step ${step}; done: ${done}`, { cause: error });
    }
  }
  return run.tally;
}

interface RunParts {
  readonly cluster: SimulatedCluster;
  readonly wanted: Wanted;
  readonly agent: ModelAgent;
  readonly witness: Witness;
}

class Run {
  readonly tally: ModelTally = { turns: 0, kills: 0, unfinished: 0, checks: 0 };
  readonly done: string[] = [];
  readonly #parts: RunParts;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** One operation, then a turn of some stacks, while requests fail or the process is killed. */
  async step(dice: Dice): Promise<void> {
    const { cluster, witness, agent } = this.#parts;
    this.done.push(await operate({ ...this.#parts, dice }));
    await witness.afterHand();
    if (dice.isHit(KILLS)) agent.restart({ writes: 1 + dice.below(8), isServed: dice.isHit(0.5) });
    const end = addFaults(cluster, dice);
    try {
      await this.#someTurns(dice);
    } finally {
      end();
      agent.live();
    }
    await witness.afterTurns();
  }

  async #someTurns(dice: Dice): Promise<void> {
    const ids = await this.#planned();
    const some = dice.shuffled(ids).slice(0, 1 + dice.below(3));
    const isSideBySide = dice.isHit(SIDE_BY_SIDE);
    const options = { compareAll: dice.isHit(0.1) };
    if (isSideBySide) await Promise.all(some.map((id) => this.#turn(id, options)));
    else for (const id of some) await this.#turn(id, options);
  }

  /** A plan that fails is tried again: nothing has a turn until then. */
  async #planned(): Promise<readonly string[]> {
    try {
      return await this.#parts.agent.plan();
    } catch (error) {
      if (!isFailure(error, "kubernetes_unavailable", "kubernetes_rejected")) throw error;
      return [];
    }
  }

  /** Nothing fails any more, nothing is suspended: within a few rounds all is as it must be, and every outcome says so. */
  async settle(dice: Dice): Promise<void> {
    const { wanted, witness } = this.#parts;
    wanted.stacks.forEach(({ id }) => wanted.suspend(id, false));
    let left: readonly string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      left = [...await this.#round(dice), ...await witness.differences(), ...this.#recordDifferences()];
      await witness.afterTurns();
      if (left.length === 0) break;
    }
    assert.deepEqual(left, []);
    this.tally.checks += 1;
  }

  /** Every stack that is wanted has a record with just its objects, and no other stack has one. */
  #recordDifferences(): readonly string[] {
    const { wanted, agent } = this.#parts;
    const recorded = new Map(agent.reconciler.records.known().map(({ id, objects }) => [id, objects.length]));
    const sizes = new Map(wanted.stacks.map(({ id, values }) => [id, values.size]));
    const ids = new Set([...recorded.keys(), ...sizes.keys()]);
    return [...ids].filter((id) => recorded.get(id) !== sizes.get(id)).map((id) =>
      `${id}: ${recorded.get(id)} objects are recorded, not ${sizes.get(id)}`
    );
  }

  /** Every stack has a turn; what did not end well, in words. */
  async #round(dice: Dice): Promise<readonly string[]> {
    const { agent } = this.#parts;
    const ids = await agent.plan();
    const sweep = dice.isHit(0.5) ? { sweep: agent.reconciler.observed.beginSweep(new AbortController().signal) } : {};
    const lines: string[] = [];
    for (const id of dice.shuffled(ids)) lines.push(...await this.#turn(id, sweep));
    return lines;
  }

  async #turn(id: string, options: TurnOptions): Promise<readonly string[]> {
    const outcome = await this.#parts.agent.turn(id, options);
    this.tally.turns += 1;
    if (outcome === undefined) this.tally.kills += 1;
    if (outcome?.result === "applied" || outcome?.result === "unchanged") return [];
    this.tally.unfinished += 1;
    return [`${id}: ${outcome?.result} (${outcome?.reason}): ${outcome?.message}`];
  }
}

/** The seed that `MODEL_SEED` names, so that a run can be repeated, or another one each time. */
export function seedOf(named: string | undefined): number {
  return named === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(named);
}
