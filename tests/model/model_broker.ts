import type { z } from "zod";
import type { Broker } from "../../broker/broker.ts";
import { unpackResults } from "../../broker/domain/results.ts";
import type { Database } from "$lib/database.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { brokerOf, knownAdmin } from "../fakes/brokers.ts";
import { open } from "../fakes/databases.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../postgres/postgres_server.ts";

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

/** What the copy of the database is called. */
const BACKUP = "brokkr_backup";

/** The broker on a database that outlives it: killed, started again, and set back to how it once was. */
export class ModelBroker implements AsyncDisposable {
  readonly #server: PostgresServer;
  readonly #admin: Awaited<ReturnType<typeof knownAdmin>>;
  #running: Running | undefined;

  private constructor(server: PostgresServer, admin: Awaited<ReturnType<typeof knownAdmin>>) {
    this.#server = server;
    this.#admin = admin;
  }

  static async open(): Promise<ModelBroker> {
    const binaries = await findPostgres();
    if (binaries === undefined) throw new Error("Cannot start PostgreSQL: it is not on this machine");
    const server = await startPostgres(binaries, { durable: false });
    const broker = new ModelBroker(server, await knownAdmin());
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
      openDatabase: async () => database = await open({ url: this.#server.url, dataDir: "unused" }),
    });
    await broker.start();
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
    await this.#copy(this.#server.database, BACKUP);
  }

  /** Sets the database back to the copy; only while the broker is down. */
  async restore(): Promise<void> {
    await this.#copy(BACKUP, this.#server.database);
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
    await this.#server[Symbol.asyncDispose]();
  }

  async #copy(from: string, to: string): Promise<void> {
    const { user } = this.#server;
    await this.#server.asSuperuser(async (sql) => {
      await sql`set client_min_messages = warning`;
      await sql.unsafe(`drop database if exists ${to} with (force)`);
      await sql.unsafe(`create database ${to} template ${from} owner ${user}`);
    });
  }
}
