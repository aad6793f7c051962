/**
 * What the API makes of a million random, nearly valid and hostile requests: `deno task bench fuzz [requests] [seed]`.
 * Ends with 1 where an answer is none that it may give, a request takes longer than a second, or memory grows.
 */
import assert from "node:assert/strict";
import { fuzz } from "../fuzz/fuzz.ts";
import { findPostgres, startPostgres } from "../postgres/postgres_server.ts";

const REQUEST_MAX_MS = 1_000;
const MEMORY_MAX_RATIO = 1.05;

async function main([requests = "1000000", seed = String(Math.floor(Math.random() * 2 ** 31))]: readonly string[]) {
  const binaries = await findPostgres() ?? assert.fail('PostgreSQL is not on this machine; "deno task setup" adds it');
  await using server = await startPostgres(binaries, { durable: false });
  const heapBytes: number[] = [];
  console.log(`seed ${seed}`);

  const { counts, deep, slowestMs } = await fuzz(server, {
    ...{ requests: Number(requests), seed: Number(seed) },
    onProgress(done) {
      heapBytes.push(heapNow());
      console.log(`${done} requests, heap ${(heapBytes.at(-1) ?? 0) >> 20} MiB`);
    },
  });

  const growth = average(quarter(heapBytes, 3)) / average(quarter(heapBytes, 1));
  console.log(`answers ${JSON.stringify(Object.fromEntries([...counts].sort()))}`);
  console.log(`${(deep / Number(requests) * 100).toFixed(0)} % came as far as the store`);
  console.log(
    `slowest ${slowestMs.toFixed(0)} ms, at most ${REQUEST_MAX_MS}; memory × ${
      growth.toFixed(3)
    }, at most ${MEMORY_MAX_RATIO}`,
  );
  return slowestMs <= REQUEST_MAX_MS && growth <= MEMORY_MAX_RATIO ? 0 : 1;
}

/** What is still held after everything else was let go. */
function heapNow(): number {
  (globalThis as { readonly gc?: () => void }).gc?.();
  return Deno.memoryUsage().heapUsed;
}

/** The second is 1: what is loaded once is there by then. */
function quarter(numbers: readonly number[], which: number): readonly number[] {
  const length = Math.ceil(numbers.length / 4);
  return numbers.slice(which * length, (which + 1) * length);
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

Deno.exit(await main(Deno.args));
