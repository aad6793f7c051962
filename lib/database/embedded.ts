import { type Clock, deadline, unlessAborted } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import { holdFile } from "$lib/files.ts";
import type { Log } from "$lib/log.ts";
import type { WorkerOrder, WorkerReport } from "$lib/pglite_worker.ts";
import { quotedName } from "./driver.ts";
import { unavailable } from "./failures.ts";
import { openSocketFolder } from "./socket_folder.ts";

/** Where the embedded database lives, and the parts that running it needs. */
export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly schema: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A running embedded database. */
export interface Embedded {
  /** The unix socket that it answers on. */
  readonly socketPath: string;
  /** Ends a worker that does not answer, and starts another: a panic leaves PGlite turning in circles. */
  restart(): void;
  /** Writes everything out, ends the worker and frees the folder. */
  stop(): Promise<void>;
}

const OWNER_ONLY = 0o700;
const STOP_DEADLINE_MS = 10_000;
const RESTART_AFTER_MS = 1_000;

/**
 * Starts the embedded database in `dataDir`: `postgres/` holds its files, `run/` its socket, and `lock` keeps other
 * processes out for as long as this one lives. What it has acknowledged outlives `kill -9`; it does not force the disk
 * to write, so a power cut may cost the last transactions.
 *
 * @throws {Failure} `invalid_settings` when another process holds the folder, `unavailable` when it does not start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dataDir, schema } = options;
  const directory = `${dataDir}/postgres`;
  const lock = await holdFolder(dataDir, directory);
  try {
    const socket = await openSocketFolder(dataDir);
    const order = { kind: "start", directory, socketPath: socket.path, searchPath: quotedName(schema) } as const;
    const keeper = await WorkerKeeper.start(order, options);
    return {
      socketPath: socket.path,
      restart: () => keeper.restart(),
      async stop() {
        await keeper.stop();
        await socket.remove();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

async function holdFolder(dataDir: string, directory: string): Promise<{ close(): void }> {
  const lock = await madeFolder(dataDir, directory).catch((cause) => {
    throw refused(`"${dataDir}" cannot be used: ${messageOf(cause)}`, { cause });
  });
  if (lock === undefined) throw refused(`another process uses "${dataDir}"`);
  return lock;
}

async function madeFolder(dataDir: string, directory: string): Promise<{ close(): void } | undefined> {
  await Deno.mkdir(directory, { recursive: true, mode: OWNER_ONLY });
  return await holdFile(`${dataDir}/lock`);
}

function refused(why: string, options?: ErrorOptions): Failure {
  return new Failure("invalid_settings", `Cannot open the embedded database: ${why}`, options);
}

type StartOrder = WorkerOrder & { readonly kind: "start" };

/** Keeps one worker running: a crashed one is replaced, and recovers from its own log as a server does. */
class WorkerKeeper {
  readonly #order: StartOrder;
  readonly #parts: Pick<EmbeddedOptions, "clock" | "log">;
  readonly #stopping = new AbortController();
  #worker: Worker | undefined;
  #restarting: Promise<void> = Promise.resolve();

  static async start(order: StartOrder, parts: Pick<EmbeddedOptions, "clock" | "log">): Promise<WorkerKeeper> {
    const keeper = new WorkerKeeper(order, parts);
    await keeper.#run();
    return keeper;
  }

  private constructor(order: StartOrder, parts: Pick<EmbeddedOptions, "clock" | "log">) {
    this.#order = order;
    this.#parts = parts;
  }

  restart(): void {
    if (this.#worker !== undefined) this.#crashed(this.#worker, "it does not answer");
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#restarting;
    if (this.#worker === undefined) return;
    using limit = deadline(this.#parts.clock, STOP_DEADLINE_MS);
    await unlessAborted(ordered(this.#worker, { kind: "stop" }), limit.signal).catch((error) =>
      this.#parts.log.warn("embedded database did not stop in order", { error })
    );
    this.#worker.terminate();
  }

  async #run(): Promise<void> {
    const worker = new Worker(new URL("../pglite_worker.ts", import.meta.url), { type: "module", name: "pglite" });
    try {
      await ordered(worker, this.#order);
    } catch (error) {
      worker.terminate();
      throw unavailable(`the embedded database does not start: ${messageOf(error)}`, { cause: error });
    }
    this.#worker = worker;
    heard(worker, (reason) => this.#crashed(worker, reason));
  }

  #crashed(worker: Worker, reason: string): void {
    if (this.#worker !== worker || this.#stopping.signal.aborted) return;
    this.#worker = undefined;
    worker.terminate();
    this.#parts.log.error("embedded database crashed, starting it again", { reason });
    this.#restarting = this.#runUntilUp();
  }

  async #runUntilUp(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    while (this.#worker === undefined && !signal.aborted) {
      await clock.sleep(RESTART_AFTER_MS, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#run().catch((error) => log.error("embedded database does not start", { error }));
    }
  }
}

/** Gives an order and waits until the worker has done it. */
function ordered(worker: Worker, order: WorkerOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    heard(worker, (reason) => reject(new Error(reason)), resolve);
    worker.postMessage(order);
  });
}

/** Sets who hears of a worker's failure, and of its success. */
function heard(worker: Worker, failed: (reason: string) => void, done: () => void = () => {}): void {
  worker.onmessage = ({ data: report }: MessageEvent<WorkerReport>) => {
    if (report.kind === "failed") return failed(report.reason);
    done();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    failed(event.message);
  };
}
