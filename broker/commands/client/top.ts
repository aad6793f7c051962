import type { z } from "zod";
import { Agent } from "$lib/wire/agent.ts";
import { Delivery } from "$lib/wire/delivery.ts";
import { isFailure, messageOf } from "$lib/error.ts";
import { DELIVERY_COLUMNS, stacksIn, word } from "./columns.ts";
import type { TOP } from "./commands.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { canRedraw, OF_BEFORE, Screen } from "./screen.ts";
import { tableLines } from "./table.ts";
import { counted, type Paint, painterFor, plain } from "./text.ts";

type AgentBody = z.output<typeof Agent>;
type DeliveryBody = z.output<typeof Delivery>;

/** Everything at one moment. */
interface Fleet {
  readonly agents: readonly AgentBody[];
  readonly troubled: readonly DeliveryBody[];
}

const INTERVAL_MS = 2_000;
/** A large fleet is read less often: reading takes a tenth of the time at most. */
const READING_SHARE = 10;
const TROUBLED_READ = 100;
const CONNECTIVITY = ["connected", "late", "lost", "never"] as const;
const STATES = ["applied", "pending", "applying", "failed", "blocked", "terminating"] as const;
const HEALTH = ["healthy", "progressing", "degraded", "unknown"] as const;

/** `top`: redrawn on a terminal until whoever looks has seen enough, else once. */
export const top: RunClient<typeof TOP> = async (_asked, parts) => {
  const { terminal: { output }, env, clock, signal } = parts;
  if (!canRedraw(output, env)) {
    output.write(`${fleetLines(await read(parts), parts).join("\n")}\n`);
    return EXIT.done;
  }
  const screen = new Screen(output);
  let fleet: Fleet | undefined;
  while (!signal.aborted) {
    const startMs = clock.monotonic();
    const away = await read(parts).then((seen) => void (fleet = seen), (error) => reasonOf(error, signal));
    screen.draw([...(away === undefined ? [] : [away]), ...(fleet === undefined ? [] : fleetLines(fleet, parts))]);
    await clock.sleep(Math.max(INTERVAL_MS, READING_SHARE * (clock.monotonic() - startMs)), signal).catch(() => {});
  }
  return EXIT.done;
};

/** @throws What does not pass by itself. */
function reasonOf(error: unknown, signal: AbortSignal): string | undefined {
  if (signal.aborted) return undefined;
  if (!isFailure(error, "broker_unavailable")) throw error;
  return `${OF_BEFORE}: ${plain(messageOf(error))}`;
}

async function read({ api }: ClientParts): Promise<Fleet> {
  const agents = await api.list("agents", Agent);
  const lists = await Promise.all(
    ["failed", "blocked"].map((state) => api.list("deliveries", Delivery, { state }, TROUBLED_READ)),
  );
  const degraded = await api.list("deliveries", Delivery, { state: "applied", health: "degraded" }, TROUBLED_READ);
  const troubled = [...lists.flatMap(({ items }) => items), ...degraded.items];
  troubled.sort((one, other) => one.desired_at < other.desired_at ? -1 : one.desired_at > other.desired_at ? 1 : 0);
  return { agents: agents.items, troubled };
}

function fleetLines({ agents, troubled }: Fleet, { terminal: { output }, env, api }: ClientParts): readonly string[] {
  const paint = painterFor(output, env);
  const connectivity = (one: string) => agents.filter((agent) => agent.connectivity === one).length;
  const deliveries = (pick: (agent: AgentBody) => number | undefined) =>
    agents.reduce((sum, agent) => sum + (pick(agent) ?? 0), 0);
  const stacks = deliveries(({ deliveries }) => stacksIn(deliveries?.by_state ?? {}));
  const options = { paint, nowMs: api.nowMs(), width: output.size()?.columns };
  return [
    `${counted(agents.length, "agent")}: ${countsText(CONNECTIVITY, connectivity, paint)}`,
    `${stacks} deliveries: ${
      countsText(STATES, (one) => deliveries(({ deliveries }) => deliveries?.by_state[one]), paint)
    }`,
    `of these: ${countsText(HEALTH, (one) => deliveries(({ deliveries }) => deliveries?.by_health[one]), paint)}`,
    "",
    ...(troubled.length === 0
      ? [paint("Nothing is failed, blocked or degraded", "good")]
      : tableLines(troubled, DELIVERY_COLUMNS, options)),
  ];
}

/** What there is none of is left out, but the first. */
function countsText<W extends string>(words: readonly W[], count: (one: W) => number, paint: Paint): string {
  return words.map((one) => [one, count(one)] as const)
    .filter(([, n], at) => at === 0 || n > 0)
    .map(([one, n]) => paint(`${n} ${one}`, n === 0 ? undefined : word(one).colour)).join(", ");
}
