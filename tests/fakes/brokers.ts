import assert from "node:assert/strict";
import { type Clock, systemClock } from "$lib/clock.ts";
import { newPak, sha256Hex } from "$lib/ids.ts";
import type { Log } from "$lib/log.ts";
import { createRegistry, disabledRegistry, type Registry } from "$lib/metrics.ts";
import { disabledTracing, type Tracing } from "$lib/tracing.ts";
import { type Broker, type BrokerParts, createBroker } from "../../broker/broker.ts";
import { type BrokerSettings, readBrokerSettings } from "../../broker/settings.ts";
import { eventually } from "../system/wait.ts";
import { silentLog } from "./silent_log.ts";

/** A listener that never listens. */
export const nowhere: BrokerParts["listen"] = (_, { hostname, port }) =>
  Promise.resolve({
    hostname,
    port,
    failed: Promise.withResolvers<never>().promise,
    stop: () => Promise.resolve(),
  });

/** The settings that these variables give. */
export function settingsOf(env: Readonly<Record<string, string>> = {}): BrokerSettings {
  return readBrokerSettings({ args: [], env, readFile: () => "" }).settings;
}

/** How a test wants its broker. */
export interface BrokerOptions {
  readonly openDatabase: BrokerParts["openDatabase"];
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: Log;
  readonly tracing?: Tracing;
  /** The machine's own when left out: of another one no job's time comes unless it is moved. */
  readonly clock?: Clock;
  /** What becomes of its registry before it is handed in. */
  readonly adapt?: (registry: Registry) => Registry;
}

/** A broker that listens nowhere and is not started. */
export function brokerOf(options: BrokerOptions): Broker {
  const { openDatabase, env = {}, log = silentLog(), tracing = disabledTracing(), adapt = (same) => same } = options;
  const settings = settingsOf(env);
  const { clock = systemClock() } = options;
  const registry = settings["metrics.enabled"] ? createRegistry({ clock, log }) : disabledRegistry();
  return createBroker({ settings, clock, log, registry: adapt(registry), tracing, openDatabase, listen: nowhere });
}

/** A broker that is ready, and stopped when it is let go. */
export async function startedBroker(options: BrokerOptions): Promise<Broker & AsyncDisposable> {
  const broker = brokerOf(options);
  await broker.start();
  await broker.ready;
  return { ...broker, [Symbol.asyncDispose]: () => broker.stop() };
}

/** Asks again until the series has the value. */
export async function untilShown(broker: Broker, series: string, value: number): Promise<void> {
  await eventually(`${series} is ${value}`, async () => {
    assert.equal((await samples(broker)).get(series), value);
    return true;
  });
}

/** Asks as a client would, and reads the whole answer. */
export async function ask(
  broker: Broker,
  path: string,
  init?: RequestInit,
): Promise<Response & { readonly body_text: string }> {
  const answer = await broker.fetch(new Request(`http://broker${path}`, init));
  return Object.assign(answer, { body_text: await answer.text() });
}

/** The samples of its page, by series. */
export async function samples(broker: Broker): Promise<ReadonlyMap<string, number>> {
  const { body_text } = await ask(broker, "/metrics");
  const lines = body_text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

/** A key of the admin, and the variables that make it so. */
export async function knownAdmin(): Promise<{ readonly pak: string; readonly env: Readonly<Record<string, string>> }> {
  const pak = newPak();
  return { pak, env: { BROKKR__BROKER__PAK_HASH: await sha256Hex(pak.split("_")[2] ?? "") } };
}
