import assert from "node:assert/strict";
import { type Dice, diceOf } from "./dice.ts";
import { addFaults } from "./faults.ts";
import { RESYNC_SECONDS } from "./model_agent.ts";
import { type ModelCluster, ModelWorld } from "./model_world.ts";
import { operate, type PolicyChange, serveAll, update } from "./operations.ts";
import { actAsPerson } from "./person.ts";
import { findProblems } from "./problems.ts";
import type { WantedStack } from "./wanted.ts";

/** Within so many resyncs after the last fault, or the last act of a person, all is as it must be. */
const RESYNCS = 3;
/** A resync comes so much later than its interval at most, in milliseconds. */
const RESYNC_MS = RESYNC_SECONDS * 1.2 * 1_000;
const LOOKS_A_RESYNC = 6;
/** A person acts so often at most until all is as it must be: what they do has to help. */
const ACTS_MAX = 10;
const STEP_MAX_MS = 40_000;
/** Of a real cluster, whose controllers take their time whatever the agent's clock says. */
const PATIENCE_MS = 60_000;
/** The same where they have something to do: a busy machine, or an API server that was away, lets them wait long. */
const CONTROLLERS_MS = 600_000;

/** The step of whose dice the agent's first life is drawn; no operation is at it. */
const BEFORE_ALL = 2 ** 30;

/** What is done, by which chance. */
export interface ModelRun {
  readonly seed: number;
  /** The steps that are done: a part of them is what a failing run is shrunk to. */
  readonly steps: readonly number[];
  /** Operations between two looks at whether all is as it must be. */
  readonly batch: number;
  /** The part of the agent's lives in which it hears of changes at once. */
  readonly pushed: number;
}

/** What a run did. */
export interface ModelTally {
  steps: number;
  checks: number;
  /** Acts of a person that the agent waited for. */
  acts: number;
}

/** A run that ended with something that may not be. */
export class NotAsItMustBe extends Error {
  /** Those steps that were done, the failing one last. */
  readonly steps: readonly number[];

  constructor(message: string, { steps, cause }: { readonly steps: readonly number[]; readonly cause: unknown }) {
    super(message, { cause });
    this.steps = steps;
  }
}

/**
 * Does random things to stacks, objects and whatever the agent needs, and looks whether all is as the model says.
 *
 * @throws {NotAsItMustBe} with the seed and what was done.
 */
export async function runModel(cluster: ModelCluster, { seed, steps, batch, pushed }: ModelRun): Promise<ModelTally> {
  await using world = await ModelWorld.open(cluster);
  await world.agent.start({ isPushed: diceOf(seed, BEFORE_ALL).isHit(pushed) });
  const run = new Run(world, pushed);
  for (const [at, step] of steps.entries()) {
    try {
      await run.step(diceOf(seed, step));
      if (at % batch === batch - 1 || at === steps.length - 1) await run.settle(diceOf(seed, -step - 1));
    } catch (cause) {
      const done = run.done.map((what, at) => `${steps[at]} ${what}`).slice(-2 * batch).join(", ");
      const message = `It is not as it must be: seed ${seed}, step ${step}; done: ${done}; seen:\n${
        world.witness.trace.join("\n")
      }`;
      throw new NotAsItMustBe(message, { steps: steps.slice(0, at + 1), cause });
    }
  }
  return run.tally;
}

class Run {
  readonly tally: ModelTally = { steps: 0, checks: 0, acts: 0 };
  readonly done: string[] = [];
  readonly #world: ModelWorld;
  readonly #pushed: number;

  constructor(world: ModelWorld, pushed: number) {
    this.#world = world;
    this.#pushed = pushed;
  }

  /** One operation, then some time, while things go wrong. */
  async step(dice: Dice): Promise<void> {
    const world = this.#world;
    this.done.push(await operate(world, dice));
    const end = await addFaults(world, dice);
    await world.clock.pass(dice.below(STEP_MAX_MS));
    await end();
    if (!world.agent.isAlive) await world.agent.start({ isPushed: dice.isHit(this.#pushed) });
    this.#expectNoFaults();
    this.tally.steps += 1;
  }

  /** Nothing fails any more: within a few resyncs all is as it must be. */
  async settle(dice: Dice): Promise<void> {
    const world = this.#world;
    await serveAll(world);
    const isWhole = dice.isHit(0.6);
    if (isWhole) {
      await this.#update(({ isSuspended, drift }) => {
        return isSuspended || drift !== "repair" ? { isSuspended: false, drift: "repair" } : undefined;
      });
    }
    let left = await this.#passUntilRight();
    let acts = 0;
    for (let resyncs = 1; left.length > 0 && resyncs < RESYNCS; resyncs += 1) {
      if (acts < ACTS_MAX && await this.#personActs()) [resyncs, acts] = [0, acts + 1];
      left = await this.#passUntilRight();
    }
    if (left.length > 0 && world.cluster.isReal) left = await this.#beAPatientPerson();
    assert.deepEqual(left, []);
    if (isWhole) world.witness.forgetTouched();
    world.witness.keepFrom(await world.witness.look());
    this.tally.checks += 1;
  }

  /** What others wait for is resumed, too: a suspended stack takes nothing over. */
  async #personActs(): Promise<boolean> {
    const isResumed = await this.#update(({ isSuspended }) => isSuspended ? { isSuspended: false } : undefined);
    const isActed = await actAsPerson(this.#world);
    if (isResumed || isActed) this.tally.acts += 1;
    return isResumed || isActed;
  }

  /** Changes the policy of some stacks; whether there was any. */
  async #update(changeOf: (stack: WantedStack) => PolicyChange | undefined): Promise<boolean> {
    const changes = this.#world.wanted.stacks.map((stack) => ({ stack, change: changeOf(stack) }));
    const wanted = changes.filter(({ change }) => change !== undefined);
    for (const { stack, change } of wanted) await update(this.#world, stack, change ?? {});
    return wanted.length > 0;
  }

  /** Lets the time of one resync pass, or less; what is not as it must be then. */
  async #passUntilRight(): Promise<readonly string[]> {
    let problems: readonly string[] = [];
    for (let look = 0; look < LOOKS_A_RESYNC; look += 1) {
      await this.#world.clock.pass(RESYNC_MS / LOOKS_A_RESYNC);
      this.#expectNoFaults();
      problems = await findProblems(this.#world);
      if (problems.length === 0) break;
    }
    return problems;
  }

  /** Real controllers are waited for as long as it takes them: what is being deleted is theirs to end. */
  async #beAPatientPerson(): Promise<readonly string[]> {
    const startMs = performance.now();
    let busyMs = startMs;
    let left: readonly string[] = ["not looked at"];
    while (left.length > 0 && performance.now() - busyMs < PATIENCE_MS) {
      await this.#personActs();
      left = await this.#passUntilRight();
      const isBusy = await this.#world.witness.isAnythingLeaving();
      if (isBusy && performance.now() - startMs < CONTROLLERS_MS) busyMs = performance.now();
    }
    return left;
  }

  #expectNoFaults(): void {
    assert.deepEqual(this.#world.witness.takeFaults(), []);
  }
}

/** The seed that `MODEL_SEED` names, so that a run can be repeated, or another one each time. */
export function seedOf(named: string | undefined): number {
  return named === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(named);
}
