import { z } from "zod";
import { systemClock } from "$lib/clock.ts";
import { newId, random } from "$lib/ids.ts";
import { disabledRegistry } from "$lib/metrics.ts";
import { readSettings, variableOf } from "$lib/settings.ts";
import type { TraceHeaders } from "$lib/traceparent.ts";
import type { Tracing } from "$lib/tracing.ts";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { AgentEvent } from "$lib/wire/event.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { DeploymentObject } from "$lib/wire/stack.ts";
import { type Agent, createAgent } from "../../agent/agent.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";
import { knownAdmin, startedBroker } from "./brokers.ts";
import { open, type TestDatabaseAddress } from "./databases.ts";
import { silentLog } from "./silent_log.ts";

/** What both programs in this process are made of. */
export interface TracedProgramsParts {
  readonly address: TestDatabaseAddress;
  readonly kubeconfigPath: string;
  /** Of the broker, and of the agents. */
  readonly tracing: Readonly<Record<"broker" | "agent", Tracing>>;
}

/** An agent that is registered and active, and its key. */
export interface KnownAgent {
  readonly id: string;
  readonly name: string;
  readonly pak: string;
}

/** Both programs in this process, so that a test hands them their tracing. */
export interface TracedPrograms extends AsyncDisposable {
  addAgent(name: string): Promise<KnownAgent>;
  /** Starts an agent's program, with settings of its own. */
  startAgent(agent: KnownAgent, settings?: Readonly<Record<string, string>>): Promise<Agent>;
  /** A new stack that these agents are targeted with. */
  addStack(name: string, agents: readonly KnownAgent[]): Promise<string>;
  /** Submits a bundle to a stack, as a client that is part of this trace, of which its vendor says this. */
  submit(stackId: string, bundle: string, traceparent?: string, tracestate?: string): Promise<DeploymentObject>;
  /** Asks the API as the admin, who is part of this trace: `DELETE /stacks/ID`, with a body that is sent as JSON. */
  ask(what: string, trace: TraceHeaders, body?: object): Promise<void>;
  /** What an agent reported, newest first. */
  events(agent: KnownAgent): Promise<readonly AgentEvent[]>;
}

const NAMESPACE = "default";

/** Starts a broker on a migrated database; disposing of it stops the agents, too. */
export async function startTracedPrograms(parts: TracedProgramsParts): Promise<TracedPrograms> {
  const { pak, env } = await knownAdmin();
  const { address, tracing: { broker: tracing } } = parts;
  const broker = await startedBroker({
    ...{ env, tracing },
    openDatabase: (metrics) => open(address, { metrics, tracing }),
  });
  const ask: typeof fetch = (input, init) => broker.fetch(new Request(input, init));
  const send = sender(ask, pak);
  const { generator } = await send(CreateGeneratorResponse, "POST /generators", { body: { name: "team" } });
  const running: Agent[] = [];
  return {
    async addAgent(name) {
      const body = { name, cluster_name: name, generator_ids: [generator.id] };
      const { agent: { id }, initial_pak } = await send(CreateAgentResponse, "POST /agents", { body });
      await send(z.unknown(), `PUT /agents/${id}`, { body: { status: "ACTIVE" } });
      return { id, name, pak: initial_pak };
    },
    async startAgent(known, settings = {}) {
      const agent = await agentOf(known, settings, { ...parts, fetch: ask });
      running.push(agent);
      await agent.start();
      return agent;
    },
    async addStack(name, agents) {
      const { id } = await send(IdOnly, "POST /stacks", { body: { name, generator_id: generator.id } });
      for (const agent of agents) {
        await send(z.unknown(), `POST /agents/${agent.id}/targets`, { body: { agent_id: agent.id, stack_id: id } });
      }
      return id;
    },
    submit: (stackId, bundle, traceparent, tracestate) =>
      send(DeploymentObject, `POST /stacks/${stackId}/deployment-objects`, { body: bundle, traceparent, tracestate }),
    ask: (what, trace, body) => send(z.unknown(), what, { body, ...trace }).then(() => {}),
    events: ({ id }) => send(z.array(AgentEvent), `GET /agents/${id}/events`),
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((agent) => agent.stop()));
      await broker[Symbol.asyncDispose]();
    },
  };
}

const IdOnly = z.object({ id: z.uuid() });

interface Sending {
  /** A text is sent as YAML. */
  readonly body?: unknown;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

function sender(ask: typeof fetch, pak: string) {
  return async <S extends z.ZodType>(shape: S, what: string, { body, traceparent, tracestate }: Sending = {}) => {
    const [method = "", path = ""] = what.split(" ");
    const isYaml = typeof body === "string";
    const headers = {
      authorization: pak,
      "content-type": isYaml ? "application/yaml" : "application/json",
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
    };
    const sent = body === undefined ? null : isYaml ? body : JSON.stringify(body);
    const answer = await ask(`http://broker/api/v1${path}`, { method, headers, body: sent });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Cannot ${what}: ${answer.status} ${text}`);
    return shape.parse(text === "" ? undefined : JSON.parse(text)) as z.output<S>;
  };
}

function agentOf(
  { name, pak }: KnownAgent,
  special: Readonly<Record<string, string>>,
  { kubeconfigPath, tracing, fetch }: TracedProgramsParts & { readonly fetch: typeof globalThis.fetch },
): Promise<Agent> {
  const given = {
    "agent.broker_url": "http://127.0.0.1",
    "agent.pak": pak,
    "agent.agent_name": name,
    "agent.cluster_name": name,
    "agent.kubeconfig_path": kubeconfigPath,
    "agent.namespace": NAMESPACE,
    "agent.health_address": "127.0.0.1",
    "agent.health_port": "0",
    "agent.polling_interval": "1",
    "agent.resync_interval": "600",
    "metrics.enabled": "false",
    ...special,
  };
  const env = Object.fromEntries(Object.entries(given).map(([key, value]) => [variableOf(key), value]));
  const { settings } = readSettings(AGENT_DECLARATIONS, { args: [], env, readFile: () => "" });
  return createAgent({
    ...{ settings, env: {}, fetch, random, newId, clock: systemClock(), log: silentLog() },
    registry: disabledRegistry(),
    tracing: tracing.agent,
  });
}
