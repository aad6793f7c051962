import { setTimeout } from "node:timers/promises";
import { findPostgres, startPostgres } from "../../postgres/postgres_server.ts";
import { adminKey } from "../../system/keys.ts";
import { type Settings, startBroker } from "../../system/programs.ts";
import { middle, type Rounds } from "../metrics/compare.ts";
import type { Line } from "../metrics/report.ts";
import { residentMiB } from "../process.ts";

const ROUNDS = 15;
const LOOK_EVERY_MS = 2;
/** Until whatever is loaded and sent at a start has been. */
const REST_MS = 2_500;
const REQUESTS = 100;
const START_MAX_MS = 150;
const MEMORY_MAX_MB = 15;
const MB_PER_MIB = 1.048576;

type Who = "off" | "all signals";

/** How much later a broker is ready, and how much more memory it has, that sends all signals and traces all. */
export async function startLines(): Promise<readonly Line[]> {
  const binaries = await findPostgres();
  if (binaries === undefined) return [];
  await using server = await startPostgres(binaries, { durable: false });
  const receiver = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await request.body?.pipeTo(new WritableStream());
    return new Response();
  });
  const { pak, pakHash } = await adminKey();
  const off = { DATABASE__URL: server.url, BROKER__PAK_HASH: pakHash };
  const on = {
    ...{ ...off, OTLP__ENDPOINT: `http://127.0.0.1:${receiver.addr.port}`, OTLP__METRICS_INTERVAL_SECONDS: "1" },
    ...{ OTLP__TIMEOUT_SECONDS: "1", OTLP__LOGS: "true", TRACING__SAMPLE_RATIO: "1" },
  };
  const [times, memory]: [Record<Who, number>[], Record<Who, number>[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round += 1) { // the first makes the tables
    const [a, b] = [await measured(off, pak), await measured(on, pak)];
    if (round === 0) continue;
    times.push({ "off": a.readyMs, "all signals": b.readyMs });
    memory.push({ "off": a.megabytes, "all signals": b.megabytes });
  }
  await receiver.shutdown();
  return [
    lineOf("a broker is ready after", times, { unit: "ms", max: START_MAX_MS }),
    lineOf("a broker has in memory", memory, { unit: "MB", max: MEMORY_MAX_MB }),
  ];
}

function lineOf(
  what: string,
  rounds: Rounds<Who>,
  { unit, max }: { readonly unit: string; readonly max: number },
): Line {
  const [off, on] = [middle(rounds, "off"), middle(rounds, "all signals")];
  const figure = `${on.toFixed(0)} ${unit} (off ${off.toFixed(0)})`;
  return { what, who: "all signals", figure, limit: { is: "≤", value: max, of: on - off } };
}

async function measured(
  settings: Settings,
  pak: string,
): Promise<{ readonly readyMs: number; readonly megabytes: number }> {
  const startMs = performance.now();
  await using broker = startBroker(settings);
  while (!await isReady(broker.url)) await setTimeout(LOOK_EVERY_MS);
  const readyMs = performance.now() - startMs;
  for (let count = 0; count < REQUESTS; count += 1) {
    const answer = await fetch(`${broker.url}/api/v1/stacks`, { headers: { authorization: pak } });
    if (!answer.ok) throw new Error(await answer.text());
    await answer.body?.cancel();
  }
  await setTimeout(REST_MS);
  return { readyMs, megabytes: await residentMiB(broker.pid) * MB_PER_MIB };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`);
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
