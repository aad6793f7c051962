import type { Exchange } from "$lib/serve.ts";
import { disabledTracing } from "$lib/tracing.ts";
import { mintPak } from "../../broker/domain/pak.ts";
import { judgeBundle } from "../../broker/domain/bundle_verdict.ts";
import { readSubmission } from "../../broker/domain/deployment_object.ts";
import { type AppParts, createApp } from "../../broker/http/app.ts";
import { Authenticator } from "../../broker/http/auth.ts";
import { bodyBounds } from "../../broker/http/body.ts";
import { BodyRoom } from "../../broker/http/body_room.ts";
import { clientAddressBehind } from "../../broker/http/client_address.ts";
import { HeldRequests } from "../../broker/http/held_requests.ts";
import { InFlight } from "../../broker/http/in_flight.ts";
import { KeyCache } from "../../broker/http/key_cache.ts";
import { LongAnswers } from "../../broker/http/long_answers.ts";
import { ObjectCache } from "../../broker/http/object_cache.ts";
import { SnapshotCache } from "../../broker/http/snapshot_cache.ts";
import { TelemetryRelay } from "../../broker/http/telemetry_relay.ts";
import type { Store } from "../../broker/store/mod.ts";
import { ManualClock } from "./manual_clock.ts";
import { silentLog } from "./silent_log.ts";

/** A bundle of one ConfigMap. */
export const CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n";

/** Two of each who can call, and what the first of each has. */
export interface World {
  readonly keys: Readonly<
    Record<"admin" | "agent" | "otherAgent" | "generator" | "otherGenerator", string>
  >;
  readonly agentId: string;
  readonly otherAgentId: string;
  readonly generatorId: string;
  readonly otherGeneratorId: string;
  /** Belongs to the generator, is a target of the agent, has label `blue` and annotation `tier=web`. */
  readonly stackId: string;
  readonly objectId: string;
  readonly sequenceId: number;
  readonly eventId: string;
}

/**
 * Fills a store, an empty one, or with a `suffix` for every name one that holds such a world already: then the admin's
 * key is not among its keys. The agent has label `edge` and annotation `zone=a`, and is registered with the generator.
 */
export async function buildWorld(store: Store, suffix = ""): Promise<World> {
  const [admin, agent, otherAgent, generator, otherGenerator] = await Promise.all(Array.from({ length: 5 }, mintPak));
  if (!admin || !agent || !otherAgent || !generator || !otherGenerator) throw new Error("five keys were to be made");
  await store.adminRole.addIfNone(admin.hash);
  const { id: generatorId } = await store.generators.add({ name: `shop${suffix}`, pakHash: generator.hash });
  const other = await store.generators.add({ name: `bank${suffix}`, pakHash: otherGenerator.hash });
  const named = (name: string, pakHash: string, generatorIds: readonly string[]) =>
    store.agents.add({ name: `${name}${suffix}`, clusterName: "c1", pakHash, generatorIds });
  const { id: agentId } = await named("a1", agent.hash, [generatorId]);
  const { id: otherAgentId } = await named("a2", otherAgent.hash, []);
  const { id: stackId } = await store.stacks.add({ name: `web${suffix}`, generatorId });
  await store.stackTags.addLabel(stackId, "blue");
  await store.stackTags.addAnnotation(stackId, { key: "tier", value: "web" });
  await store.agentTags.addLabel(agentId, "edge");
  await store.agentTags.addAnnotation(agentId, { key: "zone", value: "a" });
  await store.targets.add(agentId, stackId);
  const { object: { id: objectId, sequenceId } } = await store.objects.submit(
    await readSubmission({ stackId, yamlContent: CONFIG_MAP, isDeletionMarker: false }, judgeBundle(CONFIG_MAP)),
  );
  const { event } = await store.deliveries.report({ agentId, objectId, state: "applied" });
  if (event === undefined) throw new Error("an applied object was to be an event");
  return {
    keys: {
      admin: admin.pak,
      agent: agent.pak,
      otherAgent: otherAgent.pak,
      generator: generator.pak,
      otherGenerator: otherGenerator.pak,
    },
    ...{
      agentId,
      otherAgentId,
      generatorId,
      otherGeneratorId: other.id,
      stackId,
      objectId,
      sequenceId,
      eventId: event.id,
    },
  };
}

/** One request to the API: JSON unless the body is a text. */
export interface Asking {
  readonly method?: string;
  readonly path: string;
  readonly key?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back, its JSON parsed. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where the answer is no JSON. */
  readonly body: unknown;
  /** The template that the request is counted under. */
  readonly endpoint: string;
}

/** What the API is made of over `store`: nothing of it is kept, counted or traced. */
export function partsOfApp(store: Store): AppParts {
  const clock = new ManualClock({ skipsSleeps: true });
  const keys = new KeyCache({ clock, ttlMs: 0 });
  return {
    store: () => store,
    authenticator: new Authenticator({ clock, keys, clientAddress: clientAddressBehind([]) }),
    bounds: bodyBounds({ maxBytes: 8_388_608, clock: new ManualClock() }),
    inFlight: new InFlight(1_000),
    bodyRoom: new BodyRoom(),
    parseBundle: (text) => Promise.resolve(judgeBundle(text)),
    held: new HeldRequests({ clock: new ManualClock(), random: () => 0.5, wakeSpreadMs: 2_000, inFlight: () => 0 }),
    snapshotCache: new SnapshotCache(),
    objectCache: new ObjectCache(),
    longAnswers: new LongAnswers({ clock: new ManualClock() }),
    limits: { lateAfterSeconds: 60, lostAfterSeconds: 300 },
    relay: new TelemetryRelay({ clock: new ManualClock(), senders: {} }),
    allowedOrigins: [],
    tracing: disabledTracing(),
    clock,
    log: silentLog(),
  };
}

/** Asks the API over `store`, without a listener. */
export function apiOver(store: Store, options: Partial<AppParts> = {}): (asking: Asking) => Promise<ApiAnswer> {
  const parts = { ...partsOfApp(store), ...options };
  const { clock } = parts;
  const app = createApp(parts);
  return async ({ method = "GET", path, key, body, headers }) => {
    const exchange: Exchange = { endpoint: "unmatched", isHeld: false, startMs: clock.monotonic() };
    const request = new Request(`http://broker${path}`, {
      method,
      headers: { ...(key === undefined ? {} : { authorization: key }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const answer = await app(request, exchange);
    const text = await answer.text();
    const isJson = answer.headers.get("content-type") === "application/json" && text !== "" &&
      !answer.headers.has("content-encoding");
    const { status } = answer;
    return {
      status,
      headers: answer.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
      endpoint: exchange.endpoint,
    };
  };
}

/** Runs `work` in a store of its own view of the world: nothing it does is left behind. */
export async function undone(store: Store, work: (store: Store) => Promise<void>): Promise<void> {
  const undo = new Error("undone");
  try {
    await store.transaction(async (inside) => {
      await work(inside);
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
  }
}
