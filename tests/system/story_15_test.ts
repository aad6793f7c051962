import assert from "node:assert/strict";
import { collected, COLLECTING } from "./collected.ts";
import { startServers } from "./servers.ts";
import { adminKey } from "./keys.ts";
import { type Samples, sumOf } from "./metrics_page.ts";
import { startBroker, untilReady } from "./programs.ts";
import { everyKind, LARGE_BYTES, type RandomRequest, randomRequests } from "./random_requests.ts";
import { story } from "./story.ts";

/** Beside one request of every kind. */
const WARM_UP = 5_000;
const REQUESTS = 100_000;
const AT_ONCE = 64;
const HEAP_GROWTH_MAX = 1.1;
const RESIDENT_GROWTH_MAX = 1.3;

story(
  "15: 100,000 requests with random paths, methods, keys and bodies leave series and memory flat",
  [["postgres"]],
  async (parts) => {
    await using servers = await startServers(parts);
    const { pak, pakHash } = await adminKey();
    const settings = {
      ...servers.databaseSettings,
      BROKER__PAK_HASH: pakHash,
      BROKER__MAX_BODY_BYTES: String(LARGE_BYTES / 2),
    };
    await using broker = startBroker(settings, { denoFlags: COLLECTING });
    await untilReady(broker);
    await sendAll(broker.url, everyKind(pak));
    await sendAll(broker.url, randomRequests(pak).take(WARM_UP));
    const warm = await collected(broker);

    await sendAll(broker.url, randomRequests(pak).take(REQUESTS));

    const after = await collected(broker);
    assert.ok(requests(after) - requests(warm) >= REQUESTS, `${requests(after) - requests(warm)} were counted`);
    assert.deepEqual([...after.keys()].filter((series) => !warm.has(series)), []);
    assert.equal(after.size, warm.size);
    assertGrowth("deno_heap_used_bytes", { warm, after, max: HEAP_GROWTH_MAX });
    assertGrowth("process_resident_memory_bytes", { warm, after, max: RESIDENT_GROWTH_MAX });
  },
);

/** Sends them all, many at a time over connections that stay open; what is answered does not matter. */
async function sendAll(url: string, requests: Iterable<RandomRequest>): Promise<void> {
  const queue = requests[Symbol.iterator]();
  async function work(): Promise<void> {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await send(url, next.value);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function send(url: string, { method, path, key, body }: RandomRequest): Promise<void> {
  const headers = {
    "content-type": "application/json",
    ...(key === undefined ? {} : { authorization: key }),
  };
  const answer = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  await answer.arrayBuffer();
}

function requests(page: Samples): number {
  return sumOf(page, "brokkr_http_requests_total");
}

interface Growth {
  readonly warm: Samples;
  readonly after: Samples;
  /** How many times as much there may be. */
  readonly max: number;
}

function assertGrowth(series: string, { warm, after, max }: Growth): void {
  const [was = NaN, is = NaN] = [warm, after].map((page) => page.get(series));
  assert.ok(is <= was * max, `${series} was ${was} after the warm-up, is ${is}`);
}
