import { isFailure, messageOf } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { BrokerClient, BrokerIdentity } from "../broker_client.ts";
import type { FoundCopy, KeptStore } from "../plan/kept_snapshot.ts";
import { isDenial } from "./sync.ts";

/** What the agent believes to be. */
export interface ExpectedIdentity {
  readonly name: string;
  readonly clusterName: string;
  /** Generators that it consents to receive from. */
  readonly generatorIds: readonly string[];
}

/** What finding out who the agent is needs. */
export interface IdentityParts {
  readonly broker: Pick<BrokerClient, "identify" | "register">;
  readonly log: Log;
  readonly expected: ExpectedIdentity;
  /** What an earlier start of the agent left in the cluster. */
  readonly kept: Pick<KeptStore, "read" | "noteKey">;
  /** Hears who the agent is, by the broker's own word. */
  readonly onIdentified?: ((agentId: string) => void) | undefined;
}

const MISMATCH_OF_OLD = "the broker, when it was heard last, named this agent or its cluster otherwise";

/**
 * Who the agent is, as the broker says, and whether that is who it believes to be. While the broker can't be asked, it
 * is who it was when it was here before.
 */
export class Identity {
  readonly #parts: IdentityParts;
  /** Generators that are left to register with, and why the broker refused it last. */
  readonly #unregistered: Map<string, string | undefined>;
  #known = Promise.withResolvers<string>();
  readonly #ofKept = new AbortController();
  #id: string | undefined;
  #kept: FoundCopy | undefined;
  /** Whether the broker said it, to this start of the agent. */
  #isIdentified = false;
  #mismatch: string | undefined;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
    this.#unregistered = new Map(parts.expected.generatorIds.map((id) => [id, undefined]));
  }

  /** The agent's id; resolves when the broker has said it, or what is kept in the cluster, where the broker is away. */
  get id(): Promise<string> {
    return this.#known.promise;
  }

  /**
   * Aborts when the broker names another agent than the one that was kept, as where a new agent has the names of a lost
   * one: what works under the kept id is to end, and {@linkcode Identity.id} is the new one.
   */
  get replaced(): AbortSignal {
    return this.#ofKept.signal;
  }

  /** What is kept in the cluster; undefined where the broker said first who the agent is. */
  get kept(): FoundCopy | undefined {
    return this.#kept;
  }

  /** What differs between the broker's word and the agent's settings; undefined while nothing is known to. */
  get mismatch(): string | undefined {
    return this.#mismatch;
  }

  /** Whether nothing is left to find out or to register. */
  get isSettled(): boolean {
    return this.#isIdentified && this.#mismatch === undefined && this.#unregistered.size === 0;
  }

  /** One turn: asks the broker who this agent is, and registers it with its generators. */
  async turn(signal: AbortSignal): Promise<void> {
    const found = await this.#ask(signal);
    if (!this.#isIdentified && this.#id !== undefined && this.#id !== found.id) this.#leaveKept();
    this.#id ??= found.id;
    this.#isIdentified = true;
    this.#parts.onIdentified?.(this.#id);
    this.#compare(found, this.#id);
    this.#known.resolve(this.#id);
    for (const generatorId of this.#unregistered.keys()) {
      await this.#register({ agentId: this.#id, generatorId }, signal);
    }
  }

  /** Nothing of what was kept is this agent's. */
  #leaveKept(): void {
    this.#parts.log.warn("what is kept in the cluster is another agent's: it is left", { agent_id: this.#id });
    this.#id = undefined;
    this.#kept = undefined;
    this.#known = Promise.withResolvers();
    this.#ofKept.abort();
  }

  async #ask(signal: AbortSignal): Promise<BrokerIdentity> {
    try {
      return await this.#parts.broker.identify(signal);
    } catch (error) {
      if (this.#id === undefined && !signal.aborted) await this.#lookAtKept(error, signal);
      throw error;
    }
  }

  /** A key that is refused is another thing than a broker that is away: then nothing may be written, now or later. */
  async #lookAtKept(why: unknown, signal: AbortSignal): Promise<void> {
    const { kept, log } = this.#parts;
    try {
      if (isDenial(why)) await kept.noteKey(true, signal);
      if (isDenial(why) || !isFailure(why, "broker_unavailable")) return;
      const copy = await kept.read(signal);
      if (copy === undefined) return;
      this.#kept = copy;
      this.#id = copy.agentId;
      if (copy.standby === "mismatch") this.#mismatch = MISMATCH_OF_OLD;
      log.warn("the broker is away: going on from what is kept in the cluster", {
        agent_id: copy.agentId,
        revision: copy.revision,
        stacks: copy.stacks.length,
        standby: copy.isKeyRefused ? "denied" : copy.standby,
      });
      this.#known.resolve(copy.agentId);
    } catch (error) {
      log.warn("cannot look at what is kept in the cluster", { reason: messageOf(error) });
    }
  }

  #compare(found: BrokerIdentity, id: string): void {
    const { name, clusterName } = this.#parts.expected;
    const differences = [
      ...differs("agent id", { expected: id, found: found.id }),
      ...differs("agent_name", { expected: name, found: found.name }),
      ...differs("cluster_name", { expected: clusterName, found: found.clusterName }),
    ];
    const mismatch = differences.length === 0 ? undefined : differences.join(", ");
    if (mismatch !== undefined && mismatch !== this.#mismatch) {
      this.#parts.log.error("this is not the agent of its key: nothing is written to the cluster", { mismatch });
    }
    if (mismatch === undefined && this.#mismatch !== undefined) {
      this.#parts.log.info("this is the agent of its key again");
    }
    this.#mismatch = mismatch;
  }

  async #register(who: { agentId: string; generatorId: string }, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.broker.register(who, signal);
      this.#unregistered.delete(who.generatorId);
    } catch (error) {
      if (!isFailure(error, "broker_rejected")) throw error;
      if (this.#unregistered.get(who.generatorId) === error.message) return;
      this.#unregistered.set(who.generatorId, error.message);
      this.#parts.log.error("the broker refuses a registration", { generator_id: who.generatorId, error });
    }
  }
}

function differs(what: string, { expected, found }: { expected: string; found: string }): string[] {
  return expected === found ? [] : [`${what} is "${expected}" here and "${found}" at the broker`];
}
