import type { Database } from "$lib/database.ts";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { DeliveryStage } from "../../../broker/domain/delivery_times.ts";
import type { DeploymentObject, ObjectHead } from "../../../broker/domain/deployment_object.ts";
import type { Delivery, Report } from "../../../broker/domain/delivery.ts";
import type { Generator } from "../../../broker/domain/generator.ts";
import type { SnapshotStack } from "../../../broker/domain/snapshot.ts";
import type { Stack } from "../../../broker/domain/stack.ts";
import type { Store } from "../../../broker/store/mod.ts";
import { openStore } from "../../../broker/store/open.ts";

/** What a store must do, as a claim and its proof. Cases share a database: each makes what it needs. */
export interface StoreCase {
  readonly claim: string;
  run(world: StoreWorld): Promise<void>;
}

/** How old a heartbeat makes an agent late, or lost: no machine is so slow that what was just said gets as old. */
export const LIMITS = { lateAfterSeconds: 6_000, lostAfterSeconds: 60_000 };

/** An agent and a stack, linked, of one generator. */
export interface Linked {
  readonly generator: Generator;
  readonly agent: Agent;
  readonly stack: Stack;
}

/** A store, and short ways to fill it with names that nobody else has. */
export class StoreWorld {
  readonly store: Store;
  /** Every stage that a delivery came to, as it was told. */
  readonly observed: { readonly stage: DeliveryStage; readonly seconds: number }[] = [];

  constructor(readonly database: Database) {
    this.store = openStore(database, { onDelivery: (stage, seconds) => this.observed.push({ stage, seconds }) });
  }

  /** A name of one's own. */
  name(kind: string): string {
    return `${kind}-${crypto.randomUUID()}`;
  }

  /** A hash of one's own. */
  hash(): string {
    return crypto.getRandomValues(new Uint8Array(32)).toHex();
  }

  generator(): Promise<Generator> {
    return this.store.generators.add({ name: this.name("generator"), pakHash: this.hash() });
  }

  agent(...generators: readonly Generator[]): Promise<Agent> {
    const generatorIds = generators.map(({ id }) => id);
    return this.store.agents.add({
      name: this.name("agent"),
      clusterName: "cluster",
      pakHash: this.hash(),
      generatorIds,
    });
  }

  async stack(generator?: Generator): Promise<Stack> {
    const owner = generator ?? await this.generator();
    return await this.store.stacks.add({ name: this.name("stack"), generatorId: owner.id });
  }

  async submit(stack: Stack, { isDeletionMarker = false } = {}): Promise<DeploymentObject> {
    const submission = { stackId: stack.id, yamlChecksum: this.hash(), isDeletionMarker };
    const yamlContent = isDeletionMarker ? "" : "apiVersion: v1";
    return (await this.store.objects.submit({ ...submission, yamlContent })).object;
  }

  /** An agent with an explicit link to a stack. */
  async linked(): Promise<Linked> {
    const generator = await this.generator();
    const [agent, stack] = [await this.agent(generator), await this.stack(generator)];
    await this.store.targets.add(agent.id, stack.id);
    return { generator, agent, stack };
  }

  /** A linked pair whose object the agent has been told of and has applied. */
  async applied(): Promise<Linked & { readonly object: DeploymentObject }> {
    const linked = await this.linked();
    const object = await this.submit(linked.stack);
    await this.poll(linked.agent);
    await this.report(linked, { state: "applied" });
    return { ...linked, object };
  }

  /** What the agent's own poll shows. */
  async poll(agent: Agent): Promise<readonly SnapshotStack[]> {
    return (await this.store.snapshots.read(agent.id, { isOwn: true })).stacks;
  }

  async report({ agent, stack }: Pick<Linked, "agent" | "stack">, report: Pick<Report, "state"> & Partial<Report>) {
    return await this.store.deliveries.report({ agentId: agent.id, stackId: stack.id, ...report });
  }

  async revision(agent: Agent): Promise<number> {
    return (await this.store.snapshots.version(agent.id)).revision;
  }

  delivery({ agent, stack }: Pick<Linked, "agent" | "stack">): Promise<Delivery | undefined> {
    return this.store.deliveries.find(agent.id, stack.id);
  }

  async state(linked: Pick<Linked, "agent" | "stack">): Promise<Delivery["state"] | undefined> {
    return (await this.delivery(linked))?.state;
  }

  /** By how much `work` raises the agent's revision. */
  async raised(agent: Agent, work: () => Promise<unknown>): Promise<number> {
    const before = await this.revision(agent);
    await work();
    return await this.revision(agent) - before;
  }
}

/** What lists show of an object. */
export function headOf({ yamlContent, ...head }: DeploymentObject): ObjectHead {
  return { ...head, sizeBytes: new TextEncoder().encode(yamlContent).length };
}
