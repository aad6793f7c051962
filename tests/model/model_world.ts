import { z } from "zod";
import { createReconciler, type Reconciler } from "../../agent/kube/reconcile.ts";
import { systemClock } from "$lib/clock.ts";
import { newId, random } from "$lib/ids.ts";
import { openKubernetes } from "$lib/kubernetes.ts";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { countingMetrics } from "../fakes/counting_metrics.ts";
import { silentLog } from "../fakes/silent_log.ts";
import { type ClusterHand, clusterHand } from "../system/cluster_hand.ts";
import { eventually } from "../system/wait.ts";
import type { ApiAddress } from "./api_gate.ts";
import { IdleClock } from "./idle_clock.ts";
import { INVENTORY, ModelAgent, NAMES } from "./model_agent.ts";
import { ModelBroker } from "./model_broker.ts";
import { collectionOf, NAMESPACES, STORED_VERSION, STRANGERS } from "./candidates.ts";
import { Traffic } from "./traffic.ts";
import { Wanted, type WantedState } from "./wanted.ts";
import { Witness } from "./witness.ts";

/** The cluster under a run. */
export interface ModelCluster extends ApiAddress {
  readonly kubeconfigPath: string;
  /** Takes its API server away and brings it back; undefined where only its connections can be cut. */
  readonly restart?: { stop(): Promise<void>; start(): Promise<void> };
  /** Whether controllers take real time: then more than three resyncs may pass meanwhile. */
  readonly isReal: boolean;
}

/** The agent's label and annotation, by which a stack may be tied to it. */
export const LABEL = "edge";
/** The annotation of the same purpose. */
export const ANNOTATION = { key: "zone", value: "a" };
/** Where the own type's definition is. */
const DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.model.example";

/** A broker, an agent and a cluster, what must come of them, and who watches that. */
export class ModelWorld implements AsyncDisposable {
  readonly cluster: ModelCluster;
  readonly hand: ClusterHand;
  readonly broker: ModelBroker;
  readonly agent: ModelAgent;
  readonly clock: IdleClock;
  readonly wanted: Wanted;
  readonly witness: Witness;
  readonly agentId: string;
  readonly generatorId: string;
  /** Reads the agent's records, as it does. */
  readonly records: Reconciler["inventory"];
  #backup: WantedState;
  readonly #opened: AsyncDisposableStack;

  private constructor(made: Made, opened: AsyncDisposableStack) {
    ({
      cluster: this.cluster,
      hand: this.hand,
      broker: this.broker,
      agent: this.agent,
      clock: this.clock,
      wanted: this.wanted,
      witness: this.witness,
      agentId: this.agentId,
      generatorId: this.generatorId,
      records: this.records,
    } = made);
    this.#backup = made.wanted.save();
    this.#opened = opened;
  }

  /** All of it, but that the agent is not started yet. */
  static async open(cluster: ModelCluster): Promise<ModelWorld> {
    const opened = new AsyncDisposableStack();
    try {
      const world = new ModelWorld(await make(cluster, opened), opened);
      await world.broker.kill();
      await world.backUp();
      await world.broker.start();
      return world;
    } catch (error) {
      await opened.disposeAsync();
      throw error;
    }
  }

  /** Keeps how the broker is; only while it is down. */
  async backUp(): Promise<void> {
    await this.broker.backUp();
    this.#backup = this.wanted.save();
  }

  /** Kills the broker, and starts it on the database that was kept last. */
  async restore(): Promise<void> {
    const { annotations = {} } = (await this.hand.get(rootPath(this.agentId)))?.metadata ?? {};
    await this.broker.kill();
    await this.broker.restore();
    await this.broker.start();
    this.wanted.load(this.#backup);
    this.witness.restored(Number(annotations["brokkr.io/revision"] ?? 0));
  }

  /** Which versions of the own type there are, and which of them are served. */
  async serve(versions: readonly { readonly name: string; readonly served: boolean }[]): Promise<void> {
    await this.hand.patch(DEFINITION, { spec: { versions: versions.map(versionOf) } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.kill();
    await this.clock.pass(60_000);
    await this.agent.ended();
    await this.#opened.disposeAsync();
  }
}

/** The agent's root object. */
export function rootPath(agentId: string): string {
  return `/api/v1/namespaces/${INVENTORY}/configmaps/brokkr-agent-${agentId}`;
}

type Made = Pick<
  ModelWorld,
  "cluster" | "hand" | "broker" | "agent" | "clock" | "wanted" | "witness" | "agentId" | "generatorId" | "records"
>;

async function make(cluster: ModelCluster, opened: AsyncDisposableStack): Promise<Made> {
  const hand = patient(opened.use(await clusterHand(cluster)));
  await furnish(hand);
  const broker = opened.use(await ModelBroker.open());
  const { generatorId, agentId, pak } = await assemble(broker);
  const traffic = new Traffic();
  const clock = new IdleClock(() => traffic.isBusy);
  const wanted = new Wanted();
  const witness = new Witness({ hand, wanted, clock });
  const agent = new ModelAgent({
    ...{ api: cluster, clock, traffic, pak },
    serve: (request) => broker.serve(request),
    onServed: witness.onServed,
    onAsked: witness.onAsked,
    onHeard: witness.onHeard,
    onLife: (life) => witness.newLife(life),
  });
  const records = await openRecords(agentId, cluster, opened);
  return { cluster, hand, broker, agent, clock, wanted, witness, agentId, generatorId, records };
}

async function furnish(hand: ClusterHand): Promise<void> {
  for (const name of [...NAMESPACES, INVENTORY]) {
    await hand.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  await hand.create(DEFINITION.slice(0, DEFINITION.lastIndexOf("/")), {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.model.example" },
    spec: {
      group: "model.example",
      scope: "Namespaced",
      names: { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" },
      versions: ALL_SERVED.map(versionOf),
    },
  });
  for (const candidate of STRANGERS) {
    await hand.create(collectionOf(candidate, NAMESPACES[0]), candidate.manifest("found"));
  }
}

/**
 * A real API server refuses for a moment what it has just changed, or itself when it was started a moment ago. What is
 * to be changed or removed may go meanwhile: the agent works, too.
 */
function patient(hand: ClusterHand): ClusterHand {
  const again = async <T>(what: string, ask: () => Promise<T>) =>
    (await eventually(what, async () => ({ answer: await ask() }))).answer;
  const whileThere = async (path: string, act: () => Promise<unknown>) => {
    if (await hand.get(path.replace(/[?].*/, "")) !== undefined) await act();
  };
  return {
    ...hand,
    get: (path) => again(`GET ${path}`, () => hand.get(path)),
    list: (path) => again(`list ${path}`, () => hand.list(path)),
    create: (path, object) => again(`create in ${path}`, () => hand.create(path, object)),
    patch: (path, change) => again(`PATCH ${path}`, () => whileThere(path, () => hand.patch(path, change))),
    remove: (path) => again(`DELETE ${path}`, () => whileThere(path, () => hand.remove(path))),
  };
}

/** As they are where nobody unserved one. */
export const ALL_SERVED = [{ name: "v1", served: true }, { name: STORED_VERSION, served: true }];

function versionOf({ name, served }: { readonly name: string; readonly served: boolean }) {
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return { name, served, storage: name === STORED_VERSION, schema };
}

async function assemble(broker: ModelBroker) {
  const { generator } = await broker.ask(CreateGeneratorResponse, {
    method: "POST",
    path: "/generators",
    body: { name: "model" },
  });
  const { agent: { id }, initial_pak: pak } = await broker.ask(CreateAgentResponse, {
    method: "POST",
    path: "/agents",
    body: { ...NAMES, generator_ids: [generator.id] },
  });
  const post = (path: string, body: unknown) => broker.ask(z.unknown(), { method: "POST", path, body });
  await post(`/agents/${id}/labels`, { agent_id: id, label: LABEL });
  await post(`/agents/${id}/annotations`, { agent_id: id, ...ANNOTATION });
  await broker.ask(z.unknown(), { method: "PUT", path: `/agents/${id}`, body: { status: "ACTIVE" } });
  return { generatorId: generator.id, agentId: id, pak };
}

async function openRecords(agentId: string, { kubeconfigPath }: ModelCluster, opened: AsyncDisposableStack) {
  const { metrics } = countingMetrics();
  const [clock, log] = [systemClock(), silentLog()];
  const kubernetes = await openKubernetes({
    kubeconfigPath,
    metrics,
    clock,
    random,
    log,
    env: {},
    userAgent: `witness/${newId()}`,
  });
  opened.defer(() => kubernetes.close());
  const parts = { kubernetes, clock, log, agentId, inventoryNamespace: INVENTORY, defaultNamespace: NAMESPACES[0] };
  return createReconciler({ ...parts, acted: () => {} }).inventory;
}
