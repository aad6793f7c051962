import assert from "node:assert/strict";
import { findPostgres, type PostgresServer, startPostgres } from "../postgres/postgres_server.ts";
import { adminKey } from "../system/keys.ts";
import { type Program, startBroker, untilReady } from "../system/programs.ts";
import { unpackOldPrograms } from "./old_programs.ts";

/** A database that brokers of 0.10.0 and of now share. */
export interface Upgrade {
  readonly server: PostgresServer;
  readonly adminPak: string;
  /** Starts one broker more; resolves when it is ready. */
  start(version: "0.10.0" | "now"): Promise<Program>;
}

/** Opens an empty database; it ends with `parts`, and so does every broker. */
export async function openUpgrade(parts: AsyncDisposableStack): Promise<Upgrade> {
  const server = parts.use(
    await startPostgres(await findPostgres() ?? assert.fail("no PostgreSQL"), { durable: false }),
  );
  const old = parts.use(await unpackOldPrograms());
  const { pak, pakHash } = await adminKey();
  const folder = await Deno.makeTempDir({ prefix: "brokkr-upgrade-" });
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  const settings = { DATABASE__URL: server.url, DATA_DIR: folder, BROKER__PAK_HASH: pakHash };
  return {
    server,
    adminPak: pak,
    async start(version) {
      const broker = parts.use(startBroker(settings, version === "now" ? {} : { entry: old.entry("broker") }));
      await untilReady(broker);
      return broker;
    },
  };
}
