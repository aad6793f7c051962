import type { Part } from "../run/parts.ts";
import type { Program } from "../system/programs.ts";
import { openWorld, type World, type WorldOptions } from "../system/world.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { type ReadPage, Recorder } from "./recorder.ts";
import type { Recording, Target } from "./recording.ts";

/** What a scenario that is played through is, and what has to come of it. */
export interface Play {
  /** What happens, in words. */
  readonly title: string;
  /** The names of the alerts that whoever is on call is sent, in their order: one an outage, or none. */
  readonly pages: readonly string[];
  /** The same, of those that wait for the day. */
  readonly tickets: readonly string[];
  /** Clusters in which an agent of the recording is shown; one that is not named is in each of {@linkcode CLUSTERS}. */
  readonly clusters?: Readonly<Partial<Record<Target, readonly string[]>>>;
}

/** Where agents are whose metrics the broker's Prometheus has, too. */
export const CLUSTERS = ["east", "north", "west"];

/** Something that goes wrong and is mended, and the alerts that have to fire meanwhile. */
export interface Scenario {
  readonly name: string;
  /** Of one that is played through: all that any rule looks at is kept of it. */
  readonly play?: Play;
  readonly alerts: readonly string[];
  /** Alerts that must not fire in it, though they might. */
  readonly silent?: readonly string[];
  /**
   * How many seconds of Prometheus' time a recorded second stands for, so that a rule that waits for minutes has its
   * minutes: 60 when left out.
   */
  readonly pace?: number;
  /** Lets it happen and records it; keeps the series of `metrics`. */
  record(metrics: ReadonlySet<string>): Promise<Recording>;
}

/** One that is played through, by the rules and by Alertmanager. */
export interface PlayedScenario extends Scenario {
  readonly play: Play;
}

/** What changes in the store is on the page within a second. */
const QUICK_BROKER = { METRICS__REFRESH_INTERVAL: "1" };

/** Records what happens in a world of both programs. */
export function recordWorld(
  options: Partial<WorldOptions> & { readonly parts: readonly Part[] },
  happens: (world: World, recorder: Recorder) => Promise<void>,
): Scenario["record"] {
  return async (metrics) => {
    await using world = await openWorld({ ...options, brokerSettings: { ...QUICK_BROKER, ...options.brokerSettings } });
    const recorder = new Recorder(metrics);
    recorder.add("broker", pageOf(() => world.broker));
    recorder.add("agent", pageOf(() => world.agent));
    await happens(world, recorder);
    return recorder.recording();
  };
}

/** The page of a program as it is now. */
export function pageOf(program: () => Program): ReadPage {
  return async (signal) => {
    const { url } = program();
    const answer = await fetch(`${url}/metrics`, { signal });
    const page = await answer.text();
    if (!answer.ok) throw new Error(`The page at ${url} answers ${answer.status}`);
    return page;
  };
}

/** The server of a world that has one. */
export function postgresOf({ servers: { postgres } }: World): PostgresServer {
  if (postgres === undefined) throw new Error("Cannot reach PostgreSQL: this world has none");
  return postgres;
}

/** Asks again and again, several at once, so that there is traffic, until the signal aborts; whatever is answered. */
export async function ask(world: World, signal: AbortSignal): Promise<void> {
  const paths = ["/stacks", "/agents", `/agents/${world.agentId}`, "/agent-events"];
  await Promise.all(paths.map(async (path) => {
    while (!signal.aborted) {
      await world.admin.call("GET", path).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }));
}

/** Does something over and over beside a recording, until `work` has ended. */
export async function beside(
  other: (signal: AbortSignal) => Promise<void>,
  work: () => Promise<void>,
): Promise<void> {
  const ends = new AbortController();
  const running = other(ends.signal);
  try {
    await work();
  } finally {
    ends.abort();
    await running;
  }
}
