import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { AgentEvent } from "$lib/wire/event.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { DeploymentObject } from "$lib/wire/stack.ts";
import type { ControlPlaneOptions } from "../cluster/control_plane.ts";
import type { Entry } from "../compile/stage.ts";
import { type Api, apiClient } from "./api.ts";
import type { ClusterHand } from "./cluster_hand.ts";
import { adminKey } from "./keys.ts";
import { type Program, type Settings, startAgent, startBroker, untilReady } from "./programs.ts";
import type { Part } from "../run/parts.ts";
import { startServers, type StoryServers } from "./servers.ts";
import { eventually } from "./wait.ts";

/** Both programs at work, as processes of their own, with one generator and one active agent. */
export interface World extends AsyncDisposable {
  readonly servers: StoryServers;
  readonly cluster: ClusterHand;
  readonly broker: Program;
  /** The agent's process now; {@linkcode World.startAgent} replaces it. */
  readonly agent: Program;
  readonly admin: Api;
  readonly adminPak: string;
  readonly generator: Api;
  readonly generatorId: string;
  readonly generatorPak: string;
  readonly agentId: string;
  readonly agentPak: string;
  /** Starts the broker (again) on its port, from other sources where they are named; resolves when it is ready. */
  startBroker(from?: { readonly entry: Entry | undefined }): Promise<void>;
  /** Starts one more broker on the same database, from this tree; resolves when it is ready. */
  startReplica(): Promise<Program>;
  /** Starts the agent (again), from other sources where they are named; resolves when it is ready. */
  startAgent(settings?: Settings, from?: { readonly entry: Entry | undefined }): Promise<void>;
  /** A new stack that the agent is targeted with. */
  addStack(name: string): Promise<string>;
  /** Submits a bundle to a stack. */
  submit(stackId: string, bundle: string): Promise<DeploymentObject>;
  /** What the agent reported, newest first; of one object, when it is named. */
  events(objectId?: string): Promise<readonly AgentEvent[]>;
  /** Waits until the agent has reported the object as applied. */
  untilApplied(object: DeploymentObject): Promise<void>;
  /** Waits until the agent has reported what the object brought as removed. */
  untilRemoved(object: DeploymentObject): Promise<void>;
}

/** How a world is made. */
export interface WorldOptions {
  readonly parts: readonly Part[];
  /** Of a real control plane. */
  readonly controlPlane?: ControlPlaneOptions;
  /** Settings of the broker's own; a function where they depend on the database. */
  readonly brokerSettings?: Settings | ((servers: StoryServers) => Settings);
  readonly agentSettings?: Settings;
  /** The programs' sources, when they are not to be started from this tree. */
  readonly brokerEntry?: Entry;
  readonly agentEntry?: Entry;
  /** More flags for each program's `deno run`. */
  readonly brokerFlags?: readonly string[];
  readonly agentFlags?: readonly string[];
  /** Where the agent finds the broker, when it is not to ask it directly. */
  readonly brokerUrlOfAgent?: (brokerUrl: string) => string;
  /** Hears the broker's URL before the first request is sent to it. */
  readonly onBrokerUrl?: (url: string) => void;
  /** False: the agent is not started with the world. */
  readonly startsAgent?: boolean;
}

/** Polls every second and repairs every three, so that a story takes seconds. */
const QUICK_AGENT: Settings = {
  AGENT__POLLING_INTERVAL: "1",
  AGENT__HEARTBEAT_INTERVAL: "1",
  AGENT__RESYNC_INTERVAL: "3",
};
/** What a stack of any version has. */
const IdOnly = z.object({ id: z.uuid() });
const AGENT_NAME = "agent";
const CLUSTER_NAME = "cluster";

/** Makes a world on the parts that are asked for; disposing of it ends every process and removes every file. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const started = new AsyncDisposableStack();
  try {
    return await open(options, started);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

async function open(options: WorldOptions, started: AsyncDisposableStack): Promise<World> {
  const servers = started.use(await startServers(options.parts, options.controlPlane));
  const { pak: adminPak, pakHash } = await adminKey();
  const own = typeof options.brokerSettings === "function" ? options.brokerSettings(servers) : options.brokerSettings;
  const brokerSettings: Settings = { ...servers.databaseSettings, BROKER__PAK_HASH: pakHash, ...own };
  const denoFlags = options.brokerFlags;
  let broker = started.use(startBroker(brokerSettings, { entry: options.brokerEntry, denoFlags }));
  let replicas = 0;
  options.onBrokerUrl?.(broker.url);
  await untilReady(broker);
  const port = Number(new URL(broker.url).port);
  const admin = apiClient(broker.url, adminPak);
  const cast = await assemble(admin);
  const generator = apiClient(broker.url, cast.generatorPak);
  const agentSettings = {
    ...QUICK_AGENT,
    AGENT__BROKER_URL: options.brokerUrlOfAgent?.(broker.url) ?? broker.url,
    AGENT__PAK: cast.agentPak,
    AGENT__AGENT_NAME: AGENT_NAME,
    AGENT__CLUSTER_NAME: CLUSTER_NAME,
    AGENT__KUBECONFIG_PATH: servers.cluster.kubeconfigPath,
    ...options.agentSettings,
  };
  let agent: Program | undefined;
  const world: World = {
    servers,
    cluster: servers.cluster,
    admin,
    adminPak,
    generator,
    generatorId: cast.generatorId,
    generatorPak: cast.generatorPak,
    agentId: cast.agentId,
    agentPak: cast.agentPak,
    get broker() {
      return broker;
    },
    get agent() {
      if (agent === undefined) throw new Error("Cannot use the agent: it is not started");
      return agent;
    },
    async startBroker({ entry } = { entry: options.brokerEntry }) {
      broker = started.use(startBroker(brokerSettings, { port, entry, denoFlags }));
      await untilReady(broker);
    },
    async startReplica() {
      const dataDir = `${brokerSettings.DATA_DIR}/replica-${++replicas}`;
      const replica = started.use(startBroker({ ...brokerSettings, DATA_DIR: dataDir }));
      await untilReady(replica);
      return replica;
    },
    async startAgent(settings = {}, { entry } = { entry: options.agentEntry }) {
      agent = started.use(startAgent({ ...agentSettings, ...settings }, { entry, denoFlags: options.agentFlags }));
      await untilReady(agent);
    },
    ...deeds({ admin, generator, generatorId: cast.generatorId, agentId: cast.agentId }),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
  if (options.startsAgent !== false) await world.startAgent();
  return world;
}

interface Cast {
  readonly generatorId: string;
  readonly generatorPak: string;
  readonly agentId: string;
  readonly agentPak: string;
}

async function assemble(admin: Api): Promise<Cast> {
  const { generator, pak } = await admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "team" });
  const { agent, initial_pak } = await admin.send(CreateAgentResponse, "POST", "/agents", {
    name: AGENT_NAME,
    cluster_name: CLUSTER_NAME,
    generator_ids: [generator.id],
  });
  await admin.send(z.unknown(), "PUT", `/agents/${agent.id}`, { status: "ACTIVE" });
  return { generatorId: generator.id, generatorPak: pak, agentId: agent.id, agentPak: initial_pak };
}

interface Doing {
  readonly admin: Api;
  readonly generator: Api;
  readonly generatorId: string;
  readonly agentId: string;
}

function deeds({ admin, generator, generatorId, agentId }: Doing) {
  async function events(objectId?: string): Promise<readonly AgentEvent[]> {
    const all = await admin.send(z.array(AgentEvent), "GET", `/agents/${agentId}/events`);
    return all.filter((event) => objectId === undefined || event.deployment_object_id === objectId);
  }
  async function untilSucceeded(what: AgentEvent["event_type"], { id }: DeploymentObject) {
    await eventually(`${what} of object ${id} has succeeded`, async () => {
      const [event] = await events(id);
      return event?.event_type === what && event.status === "SUCCESS";
    });
  }
  return {
    events,
    async addStack(name: string): Promise<string> {
      const stack = await generator.send(IdOnly, "POST", "/stacks", { name, generator_id: generatorId });
      const target = { agent_id: agentId, stack_id: stack.id };
      await generator.send(z.unknown(), "POST", `/agents/${agentId}/targets`, target);
      return stack.id;
    },
    submit(stackId: string, bundle: string): Promise<DeploymentObject> {
      return generator.send(DeploymentObject, "POST", `/stacks/${stackId}/deployment-objects`, bundle);
    },
    untilApplied: (object: DeploymentObject) => untilSucceeded("DEPLOY", object),
    untilRemoved: (object: DeploymentObject) => untilSucceeded("DELETE", object),
  };
}
