import { cp } from "node:fs/promises";
import type { z } from "zod";
import type { Broker } from "../../broker/broker.ts";
import { unpackResults } from "../../broker/domain/results.ts";
import type { Database } from "$lib/database.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { brokerOf, knownAdmin } from "../fakes/brokers.ts";
import { migratedDataDir, open } from "../fakes/databases.ts";

/** What the broker's database says of one stack at the agent. */
export interface DeliveryRow {
  readonly stackId: string;
  readonly state: string;
  readonly reason: string | null;
  readonly message: string | null;
  readonly desiredObjectId: string;
  readonly appliedObjectId: string | null;
  readonly heldRevision: number | null;
  readonly results: readonly ObjectResult[];
}

/** A request to the API; the path is below `/api/v1`. */
export interface Asking {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly bundle?: string;
}

interface Running {
  readonly broker: Broker;
  readonly database: () => Database;
  /** Rejects when it is killed: nobody who waits for an answer gets one. */
  readonly killed: PromiseWithResolvers<never>;
}

type DataDir = Awaited<ReturnType<typeof migratedDataDir>>;

/** The broker on a database that outlives it: killed, started again, and set back to how it once was. */
export class ModelBroker implements AsyncDisposable {
  readonly #folder: DataDir;
  readonly #backup: string;
  readonly #admin: Awaited<ReturnType<typeof knownAdmin>>;
  #running: Running | undefined;

  private constructor(folder: DataDir, backup: string, admin: Awaited<ReturnType<typeof knownAdmin>>) {
    this.#folder = folder;
    this.#backup = backup;
    this.#admin = admin;
  }

  static async open(): Promise<ModelBroker> {
    const folder = await migratedDataDir();
    const backup = await Deno.makeTempDir({ prefix: "brokkr-model-" });
    const broker = new ModelBroker(folder, backup, await knownAdmin());
    await broker.start();
    return broker;
  }

  /** Serves a request of the agent's; nobody answers while the broker is down. */
  async serve(request: Request): Promise<Response> {
    const running = this.#running;
    if (running === undefined) throw new TypeError("connection refused");
    return await Promise.race([running.broker.fetch(request), running.killed.promise]);
  }

  /** Asks as the admin; a bundle is sent as it is, anything else as JSON. */
  async ask<Shape extends z.ZodType>(shape: Shape, asking: Asking): Promise<z.infer<Shape>> {
    const { method, path, body, bundle } = asking;
    const headers = {
      authorization: this.#admin.pak,
      "content-type": bundle === undefined ? "application/json" : "application/yaml",
    };
    const text = bundle ?? (body === undefined ? undefined : JSON.stringify(body));
    const answer = await this.serve(new Request(`http://broker/api/v1${path}`, { method, headers, body: text }));
    const said = await answer.text();
    if (!answer.ok) throw new Error(`Cannot ${method} ${path}: ${answer.status} ${said}`);
    return shape.parse(said === "" ? undefined : JSON.parse(said));
  }

  /** Whoever waits for an answer gets none; what is in the database stays. */
  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.killed.reject(new TypeError("connection closed"));
    await running?.broker.stop();
  }

  async start(): Promise<void> {
    let database: Database | undefined;
    const broker = brokerOf({
      env: { ...this.#admin.env, BROKKR__METRICS__ENABLED: "false" },
      openDatabase: async () => database = await open({ url: undefined, dataDir: this.#folder.path }),
    });
    broker.start();
    await broker.ready;
    const opened = () => {
      if (database === undefined) throw new Error("Cannot ask the database: it is not open");
      return database;
    };
    const killed = Promise.withResolvers<never>();
    killed.promise.catch(() => {});
    this.#running = { broker, database: opened, killed };
  }

  /** Keeps a copy of the database; only while the broker is down. */
  async backUp(): Promise<void> {
    await replaceFolder(`${this.#folder.path}/postgres`, `${this.#backup}/postgres`);
  }

  /** Sets the database back to the copy; only while the broker is down. */
  async restore(): Promise<void> {
    await replaceFolder(`${this.#backup}/postgres`, `${this.#folder.path}/postgres`);
  }

  async deliveries(): Promise<readonly DeliveryRow[]> {
    const { sql } = this.#running?.database() ?? {};
    if (sql === undefined) throw new Error("Cannot list deliveries: the broker is down");
    const rows = await sql<
      Omit<DeliveryRow, "results" | "heldRevision"> & { held: string | null; packed: string | null }
    >`
      select stack_id as "stackId", state, reason, message, desired_object_id as "desiredObjectId",
        applied_object_id as "appliedObjectId", held_revision as held, encode(results, 'base64') as packed
      from deliveries order by stack_id`;
    return await Promise.all(rows.map(async ({ packed, held, ...row }) => ({
      ...row,
      heldRevision: held === null ? null : Number(held),
      results: packed === null ? [] : (await unpackResults(Uint8Array.fromBase64(packed))).objects,
    })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#backup, { recursive: true });
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function replaceFolder(from: string, to: string): Promise<void> {
  await Deno.remove(to, { recursive: true }).catch(() => {});
  await cp(from, to, { recursive: true });
}
