import { type Agent, createAgent } from "../../agent/agent.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";
import { newId, random } from "$lib/ids.ts";
import { disabledRegistry } from "$lib/metrics.ts";
import { readSettings, variableOf } from "$lib/settings.ts";
import { silentLog } from "../fakes/silent_log.ts";
import { ApiGate, type ApiGateParts } from "./api_gate.ts";
import { BrokerGate, type BrokerGateParts } from "./broker_gate.ts";

/** Where the agent's inventory is. */
export const INVENTORY = "model-inventory";
/** Seconds of the agent's own time between resyncs. */
export const RESYNC_SECONDS = 300;
/** What the agent is called at the broker. */
export const NAMES = { name: "model", cluster_name: "model" };

/** What the agent is made of. */
export interface ModelAgentParts extends ApiGateParts, Omit<BrokerGateParts, "clock" | "traffic"> {
  readonly pak: string;
  /** Hears that the agent's process is another. */
  readonly onLife: (life: { readonly isPushed: boolean }) => void;
}

interface Life {
  readonly agent: Agent;
  readonly api: ApiGate;
  readonly broker: BrokerGate;
}

/** An agent whose process can be killed, and which then is another one that remembers nothing. */
export class ModelAgent {
  readonly #parts: ModelAgentParts;
  readonly #ending: Promise<void>[] = [];
  #life: Life | undefined;

  constructor(parts: ModelAgentParts) {
    this.#parts = parts;
  }

  get isAlive(): boolean {
    return this.#life !== undefined;
  }

  /** The gates of the process that runs. */
  get gates(): Pick<Life, "api" | "broker"> {
    if (this.#life === undefined) throw new Error("Cannot find the agent's gates: it is dead");
    return this.#life;
  }

  /** @param options.isPushed Whether it hears of changes at once, and not only with its next poll. */
  async start({ isPushed }: { readonly isPushed: boolean }): Promise<void> {
    const { clock } = this.#parts;
    const api = await ApiGate.open(this.#parts);
    const broker = new BrokerGate(this.#parts);
    const settings = settingsOf({ pak: this.#parts.pak, kubeconfigPath: api.kubeconfigPath, isPushed });
    const log = silentLog();
    const agent = await createAgent({
      settings,
      env: {},
      fetch: broker.fetch,
      clock,
      random,
      newId,
      log,
      registry: disabledRegistry(),
    });
    this.#parts.onLife({ isPushed });
    agent.start();
    this.#life = { agent, api, broker };
  }

  /** Ends the process as SIGKILL does. */
  kill(): void {
    if (this.#life === undefined) return;
    const { agent, api, broker } = this.#life;
    this.#life = undefined;
    api.die();
    broker.die();
    this.#ending.push(agent.stop().then(() => api[Symbol.asyncDispose]()));
  }

  /** Resolves when nothing is left of any process; needs time to pass. */
  async ended(): Promise<void> {
    await Promise.all(this.#ending);
  }
}

interface Given {
  readonly pak: string;
  readonly kubeconfigPath: string;
  readonly isPushed: boolean;
}

function settingsOf({ pak, kubeconfigPath, isPushed }: Given) {
  const given = {
    "agent.broker_url": "http://127.0.0.1",
    "agent.pak": pak,
    "agent.agent_name": NAMES.name,
    "agent.cluster_name": NAMES.cluster_name,
    "agent.kubeconfig_path": kubeconfigPath,
    "agent.namespace": INVENTORY,
    "agent.watch_namespace": "model",
    "agent.health_address": "127.0.0.1",
    "agent.health_port": "0",
    "agent.polling_interval": "20",
    "agent.push": String(isPushed),
    "agent.heartbeat_interval": "60",
    "agent.resync_interval": String(RESYNC_SECONDS),
    "metrics.enabled": "false",
  };
  const env = Object.fromEntries(Object.entries(given).map(([key, value]) => [variableOf(key), value]));
  return readSettings(AGENT_DECLARATIONS, { args: [], env, readFile: () => "" }).settings;
}
