import { alignedTable } from "../../demo/table.ts";
import type { World } from "../../system/world.ts";
import { signInAt } from "../../system/console_visitor.ts";

/** Something that a person or a program reads of a large fleet, and what it may take. */
interface Read {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** At the 95th percentile: until all of it is there, or its first byte where that is said. */
  readonly msMax: number;
  readonly isFirstByte?: true;
  readonly bytesMax?: number;
  /** Whether it must come in several pieces. */
  readonly isStreamed?: true;
}

interface Taken {
  readonly firstMs: number;
  readonly ms: number;
  readonly bytes: number;
  readonly pieces: number;
}

const TIMES = 40;
const DELIVERIES_MS = 20;
const PAGE = { msMax: 300, isFirstByte: true, bytesMax: 500_000 } as const;

/** What is read, with ids that are in the database. */
export async function readsOf(world: World): Promise<readonly Read[]> {
  const { broker, admin, adminPak, generatorId, generatorPak } = world;
  const stack = await idOf(admin.call("GET", "/stacks?name=stack-7"));
  const agent = await idOf(admin.call("GET", "/agents?name=fleet-7"));
  const ofAdmin = { authorization: adminPak };
  const ofTeam = { authorization: generatorPak };
  const [adminCookie, teamCookie] = await Promise.all([adminPak, generatorPak].map(async (pak) => ({
    cookie: (await signInAt(broker.url, pak)).cookie,
  })));
  const conditions = [
    ...["", "state=failed", "health=degraded", "health=unknown", "connectivity=late", "stale=true"],
    ...["older_than_seconds=1", `stack_id=${stack}`, `agent_id=${agent}`, `generator_id=${generatorId}`],
    ...[`stack_id=${stack}&state=failed`, `generator_id=${generatorId}&health=degraded&connectivity=connected`],
  ];
  const deliveries = ["admin", "team"].flatMap((who) =>
    conditions.map((condition): Read => ({
      name: `deliveries ${condition}, ${who}`.replaceAll(/[0-9a-f-]{36}/g, "…"),
      path: `/api/v1/deliveries?limit=100&${condition}`,
      headers: who === "admin" ? ofAdmin : ofTeam,
      msMax: DELIVERIES_MS,
    }))
  );
  return [
    ...deliveries,
    { name: "fleet", path: "/api/v1/fleet", headers: ofAdmin, msMax: 300, isStreamed: true },
    { name: "causes of a stack", path: `/api/v1/stacks/${stack}/causes`, headers: ofAdmin, msMax: 1_000 },
    { ...PAGE, name: "console, admin", path: "/console", headers: adminCookie ?? {} },
    { ...PAGE, name: "console, a group", path: "/console?group=is:trouble", headers: adminCookie ?? {} },
    { ...PAGE, name: "console, team", path: "/console", headers: teamCookie ?? {} },
    { ...PAGE, name: "console, team, a group", path: "/console?group=is:trouble", headers: teamCookie ?? {} },
    { ...PAGE, name: "console, a stack", path: `/console/stacks/${stack}`, headers: teamCookie ?? {} },
  ];
}

async function idOf(answer: Promise<{ readonly body?: unknown }>): Promise<string> {
  const [first] = (await answer).body as readonly { readonly id: string }[];
  if (first === undefined) throw new Error("Cannot measure: the database is not filled");
  return first.id;
}

/** Reads each so many times, prints what that took, and gives what is not held. */
export async function measureReads({ broker }: World, reads: readonly Read[]): Promise<readonly string[]> {
  const faults: string[] = [];
  const rows: string[][] = [];
  for (const read of reads) {
    const all: Taken[] = [];
    for (let time = 0; time < TIMES; time += 1) all.push(await take(broker.url, read));
    const ms = quantile(all.map((one) => read.isFirstByte ? one.firstMs : one.ms), 0.95);
    const bytes = Math.max(...all.map((one) => one.bytes));
    const middle = quantile(all.map((one) => one.ms), 0.5);
    rows.push([read.name, middle.toFixed(1), ms.toFixed(1), `≤ ${read.msMax}`, (bytes / 1_000).toFixed(0)]);
    if (ms > read.msMax) faults.push(`${read.name}: ${ms.toFixed(1)} ms at the 95th percentile, limit ${read.msMax}`);
    if (bytes > (read.bytesMax ?? Infinity)) faults.push(`${read.name}: ${bytes} bytes, limit ${read.bytesMax}`);
    if (read.isStreamed && all.some(({ pieces }) => pieces < 2)) faults.push(`${read.name}: it came in one piece`);
  }
  console.log(alignedTable(["", "p50 ms", "p95 ms", "limit", "KB"], rows).join("\n"));
  return faults;
}

async function take(url: string, { path, headers }: Read): Promise<Taken> {
  const startMs = performance.now();
  const answer = await fetch(url + path, { headers, redirect: "manual" });
  if (answer.status !== 200 || answer.body === null) throw new Error(`Cannot measure ${path}: ${answer.status}`);
  let [firstMs, bytes, pieces] = [0, 0, 0];
  for await (const piece of answer.body) {
    if (pieces === 0) firstMs = performance.now() - startMs;
    bytes += piece.length;
    pieces += 1;
  }
  return { firstMs, ms: performance.now() - startMs, bytes, pieces };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
