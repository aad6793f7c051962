import assert from "node:assert/strict";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { type Connection, createReplaceableClient, type HttpClientOptions } from "./http_client.ts";

const TIMEOUT_MS = 30_000;

interface Made {
  readonly options: HttpClientOptions;
  isClosed: boolean;
}

/** A client of clients that a test made, in their order. */
function replaceable(options: () => HttpClientOptions = () => ({})) {
  const clock = new ManualClock();
  const made: Made[] = [];
  const clients: Deno.HttpClient[] = [];
  const make = (options: HttpClientOptions) => {
    const one = { options, isClosed: false };
    made.push(one);
    const client = { close: () => one.isClosed = true } as unknown as Deno.HttpClient;
    clients.push(client);
    return client;
  };
  const warnings: unknown[] = [];
  const warn = (message: string, fields: unknown) => void warnings.push([message, fields]);
  const http = createReplaceableClient({ to: "broker", options, make, clock, log: { ...silentLog(), warn } });
  /** An exchange that ends when it is aborted: with the number of its client and why. */
  const silent = (signal?: AbortSignal) =>
    http.run(({ client, signal }) => whenAborted(signal, clients.indexOf(client)), { timeoutMs: TIMEOUT_MS, signal })
      .catch((error) => `${error.message}`);
  /** An exchange that is answered at once; the number of its client. */
  const answered = () =>
    http.run(({ client, heard }) => {
      heard();
      return Promise.resolve(clients.indexOf(client));
    }, { timeoutMs: TIMEOUT_MS });
  return { clock, made, http, silent, answered, warnings };
}

function whenAborted(signal: AbortSignal, client: number): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error(`${client}: ${signal.reason?.message}`)), { once: true })
  );
}

Deno.test("a client of which nothing came is made anew after one deadline, and all that use it end", async () => {
  const { clock, made, silent, answered, warnings } = replaceable();
  const first = silent();
  await clock.advance(29_000.4);
  const second = silent();

  await clock.advance(1_000);

  assert.deepEqual(warnings, [["connections went silent, new ones are made", { to: "broker", silentMs: 30_000 }]]);
  assert.deepEqual(await Promise.all([first, second]), [
    "0: Timed out after 30000 ms",
    "0: Its connection went silent",
  ]);
  assert.deepEqual(made.map(({ isClosed }) => isClosed), [true, false]);
  assert.equal(await answered(), 1);
  assert.equal(clock.pending, 0);
});

Deno.test("where anything came since an exchange began that has no answer, the others go on, and new ones begin anew", async () => {
  const { clock, silent, answered } = replaceable();
  const slow = silent();
  await clock.advance(1);
  const other = silent();
  const before = await answered();

  await clock.advance(TIMEOUT_MS - 1);
  const after = await answered();
  await clock.advance(1);

  assert.deepEqual(await Promise.all([slow, other]), ["0: Timed out after 30000 ms", "0: Timed out after 30000 ms"]);
  assert.deepEqual([before, after], [0, 1]);
});

Deno.test("what came before an exchange began says nothing of its connection", async () => {
  const { clock, made, silent, answered } = replaceable();
  await answered();
  const exchange = silent();

  await clock.advance(TIMEOUT_MS);

  await exchange;
  assert.equal(made.length, 2);
});

Deno.test("a client is made anew at most once in ten seconds", async () => {
  const { clock, made, http } = replaceable();
  const short = () => http.run(({ signal }) => whenAborted(signal, 0), { timeoutMs: 1_000 }).catch(() => {});
  const counts: number[] = [];
  for (let seconds = 1; seconds <= 12; seconds += 1) {
    short();
    await clock.advance(1_000);
    counts.push(made.length);
  }

  assert.deepEqual(counts, [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3]);
});

Deno.test("an exchange that nobody wants any more says nothing of its connection", async () => {
  const { clock, made, silent } = replaceable();
  const stopping = new AbortController();
  const exchange = silent(stopping.signal);
  await clock.settle();

  stopping.abort(new Error("stopping"));
  await clock.advance(TIMEOUT_MS);

  assert.equal(await exchange, "0: stopping");
  assert.equal(made.length, 1);
});

Deno.test("a client whose files changed is made anew within five seconds, and what is under way goes on", async () => {
  let options: HttpClientOptions = { caCerts: ["old"] };
  const { clock, made, silent, answered } = replaceable(() => options);
  const underWay = silent();
  await clock.settle();
  options = { caCerts: ["new"] };

  const before = await answered();
  await clock.advance(5_000);
  const after = await answered();
  const again = await answered();
  await clock.advance(TIMEOUT_MS);

  assert.deepEqual([before, after, again], [0, 1, 1]);
  assert.deepEqual(made.map(({ options }) => options.caCerts), [["old"], ["new"]]);
  assert.equal(await underWay, "0: Timed out after 30000 ms");
});

Deno.test("a client whose files cannot be read stays as it is; the first one cannot be made", async () => {
  let isBroken = true;
  const { clock, made, answered } = replaceable(() => {
    if (isBroken) throw new Error("no such file");
    return {};
  });

  await assert.rejects(answered(), /no such file/);
  isBroken = false;
  await answered();
  isBroken = true;
  await clock.advance(5_000);

  assert.equal(await answered(), 0);
  assert.equal(made.length, 1);
});

Deno.test("an answer that goes on outlives the deadline of its beginning, and ends with connections that went silent", async () => {
  const { clock, made, http } = replaceable();
  const { signal } = new AbortController();
  const open = () => http.open((connection: Connection) => Promise.resolve(connection), { timeoutMs: 1_000, signal });
  const [first, second] = [await open(), await open()];
  await clock.advance(90_000);
  const before = first.signal.aborted;

  second.silentFor(90_000);

  assert.deepEqual([before, made.length], [false, 2]);
  assert.deepEqual([first.signal.aborted, second.signal.aborted], [true, true]);
});

Deno.test("an answer that goes on ends with whoever opened it", async () => {
  const { clock, made, http } = replaceable();
  const stopping = new AbortController();
  const limits = { timeoutMs: 1_000, signal: stopping.signal };
  const { signal } = await http.open((connection: Connection) => Promise.resolve(connection), limits);

  stopping.abort(new Error("stopping"));
  http.close();

  assert.equal(signal.reason?.message, "stopping");
  assert.deepEqual([clock.pending, made[0]?.isClosed], [0, true]);
  await assert.rejects(http.run(() => Promise.resolve(), { timeoutMs: 1 }), /is closed/);
});
