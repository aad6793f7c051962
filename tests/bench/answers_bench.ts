/**
 * What the broker needs of memory while one agent's key asks ten times at once for its target state of 20 stacks of 2
 * MB, and for one object of 7 MB as JSON and as YAML, to what it had before: at most 1.5 times as much, once when all
 * is read and once when nobody reads.
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
const LARGE_BYTES = 7_000_000;
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

/** What is asked for. */
interface Asked {
  readonly name: string;
  /** Below the API's root. */
  readonly path: string;
  readonly accept: string;
  /** What its answer has at least. */
  readonly bytes: number;
}

async function askedOf(world: World): Promise<readonly Asked[]> {
  const stack = await world.addStack("large");
  const { id } = await world.submit(stack, bundle(configMap("large", { value: "x".repeat(LARGE_BYTES) })));
  const one = { path: `deployment-objects/${id}`, bytes: LARGE_BYTES };
  return [
    { name: "target state", path: `agents/${world.agentId}/target-state`, accept: "*/*", bytes: STACKS * BYTES },
    { ...one, name: "one object as JSON", accept: "application/json" },
    { ...one, name: "one object as YAML", accept: "application/yaml" },
  ];
}

async function ask({ broker, agentPak }: World, { path, accept, bytes }: Asked): Promise<void> {
  const answer = await fetch(`${broker.url}/api/v1/${path}`, { headers: { authorization: agentPak, accept } });
  const { length } = await answer.text();
  if (length < bytes) throw new Error(`The answer of ${path} was too short: ${length}`);
}

async function readAll(world: World, asked: Asked): Promise<void> {
  await Promise.all(Array.from({ length: AT_ONCE }, () => ask(world, asked)));
}

/** Connections of their own, on which nothing is read. */
async function readNothing({ broker, agentPak }: World, { path, accept }: Asked): Promise<void> {
  const { hostname, port } = new URL(broker.url);
  const lines = [`GET /api/v1/${path} HTTP/1.1`, "Host: x", `Authorization: ${agentPak}`, `Accept: ${accept}`];
  const head = `${lines.join("\r\n")}\r\n\r\n`;
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
  let missed = 0;
  for (const asked of await askedOf(world)) {
    await ask(world, asked);
    for (const [how, work] of [["read", readAll], ["not read", readNothing]] as const) {
      if (!await holds(`${asked.name}, ${how}`, world, () => work(world, asked))) missed += 1;
    }
  }
  return missed === 0 ? 0 : 1;
}

async function holds(name: string, world: World, work: () => Promise<void>): Promise<boolean> {
  const before = await residentMiB(world.broker.pid);
  const most = await highest(world, work());
  const ratio = most / before;
  console.log(`${name}: ${before.toFixed(0)} MiB, then at most ${most.toFixed(0)} MiB: ${ratio.toFixed(2)} times`);
  if (ratio > RATIO_MAX) console.error(`NOT HELD: more than ${RATIO_MAX} times`);
  return ratio <= RATIO_MAX;
}

if (import.meta.main) Deno.exit(await main());
