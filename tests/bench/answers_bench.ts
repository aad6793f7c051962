/**
 * What the broker needs of memory while one agent's key asks ten times at once for its target state of 20 stacks of 2 MB,
 * to what it had before: at most 1.5 times as much, once when all is read and once when nobody reads.
 *
 * usage: deno task bench answers
 */
import { setTimeout } from "node:timers/promises";
import { isAvailable } from "../run/parts.ts";
import { bundle, configMap } from "../system/bundles.ts";
import { openWorld, type World } from "../system/world.ts";
import { residentMiB } from "./process.ts";

const STACKS = 20;
const BYTES = 2_000_000;
const AT_ONCE = 10;
const RATIO_MAX = 1.5;
const LOOK_EVERY_MS = 20;
/** Longer than an answer that nobody reads is kept. */
const UNREAD_MS = 12_000;

async function fill(world: World): Promise<void> {
  for (let stack = 0; stack < STACKS; stack += 1) {
    const id = await world.addStack(`stack-${stack}`);
    await world.submit(id, bundle(configMap(`page-${stack}`, { value: "x".repeat(BYTES) })));
  }
}

function ask({ broker, agentId, agentPak }: World): Promise<Response> {
  return fetch(`${broker.url}/api/v1/agents/${agentId}/target-state`, { headers: { authorization: agentPak } });
}

async function readAll(world: World): Promise<void> {
  const lengths = await Promise.all(
    Array.from({ length: AT_ONCE }, async () => (await (await ask(world)).text()).length),
  );
  if (lengths.some((length) => length < STACKS * BYTES)) throw new Error(`An answer was too short: ${lengths}`);
}

/** Connections of their own, on which nothing is read. */
async function readNothing({ broker, agentId, agentPak }: World): Promise<void> {
  const { hostname, port } = new URL(broker.url);
  const head = `GET /api/v1/agents/${agentId}/target-state HTTP/1.1\r\nHost: x\r\nAuthorization: ${agentPak}\r\n\r\n`;
  const connections = await Promise.all(
    Array.from({ length: AT_ONCE }, () => Deno.connect({ hostname, port: Number(port) })),
  );
  for (const connection of connections) await connection.write(new TextEncoder().encode(head));
  await setTimeout(UNREAD_MS);
  connections.forEach((connection) => connection.close());
}

/** The most that the broker had in memory while `work` went on. */
async function highest(world: World, work: Promise<void>): Promise<number> {
  let [most, isOver] = [0, false];
  const over = work.finally(() => isOver = true);
  while (!isOver) {
    most = Math.max(most, await residentMiB(world.broker.pid));
    await setTimeout(LOOK_EVERY_MS);
  }
  await over;
  return most;
}

async function main(): Promise<number> {
  await using world = await openWorld({ parts: isAvailable("postgres") ? ["postgres"] : [], startsAgent: false });
  await fill(world);
  await (await ask(world)).text();
  let missed = 0;
  for (const [name, work] of [["read", readAll], ["not read", readNothing]] as const) {
    const before = await residentMiB(world.broker.pid);
    const most = await highest(world, work(world));
    const ratio = most / before;
    console.log(`${name}: ${before.toFixed(0)} MiB, then at most ${most.toFixed(0)} MiB: ${ratio.toFixed(2)} times`);
    if (ratio <= RATIO_MAX) continue;
    console.error(`NOT HELD: more than ${RATIO_MAX} times`);
    missed += 1;
  }
  return missed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
