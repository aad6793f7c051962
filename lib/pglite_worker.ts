/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { removeIfThere } from "$lib/files.ts";

/** What the worker is told: first to start, at the end to stop. */
export type WorkerOrder =
  | { readonly kind: "start"; readonly directory: string; readonly socketPath: string; readonly searchPath: string }
  | { readonly kind: "stop" };

/** What the worker says: that it answers, that it has written everything and ended, or why it cannot go on. */
export type WorkerReport =
  | { readonly kind: "ready" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly reason: string };

/** A running database and the server before it. */
interface Running {
  readonly db: PGlite;
  readonly server: PGLiteSocketServer;
}

obey();

/** Does what it is told, one order after the other. */
function obey(): void {
  let running: Promise<Running> | undefined;
  self.onmessage = async ({ data: order }: MessageEvent<WorkerOrder>) => {
    try {
      if (order.kind === "start") {
        running = start(order);
        await running;
        return report({ kind: "ready" });
      }
      await stop(await running);
      report({ kind: "stopped" });
    } catch (error) {
      fail(error);
    }
  };
}

async function start({ directory, socketPath, searchPath }: WorkerOrder & { kind: "start" }): Promise<Running> {
  const db = await PGlite.create(directory);
  await db.exec(`set search_path to ${searchPath}; set timezone to 'UTC'`);
  endOnCrash(db);
  await removeIfThere(socketPath); // a worker that crashed leaves its socket behind
  const server = new PGLiteSocketServer({ db, path: socketPath, maxConnections: 1 });
  await server.start();
  return { db, server };
}

async function stop(database: Running | undefined): Promise<void> {
  await database?.server.stop();
  await database?.db.close();
}

/**
 * PGlite answers wrong statements; it throws only when it is broken, and the socket server would then wait for ever.
 */
function endOnCrash(db: PGlite): void {
  const run = db.execProtocolRawStream.bind(db);
  db.execProtocolRawStream = async (...message) => {
    try {
      return await run(...message);
    } catch (error) {
      fail(error);
      throw error;
    }
  };
}

function fail(error: unknown): void {
  report({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
}

function report(message: WorkerReport): void {
  self.postMessage(message);
}
