import type { CommandParts } from "$lib/command.ts";
import { Failure } from "$lib/error.ts";
import { random } from "$lib/ids.ts";
import { judgeBundle } from "../domain/bundle_verdict.ts";
import { createApp } from "../http/app.ts";
import { ALWAYS_ADMIN } from "../http/auth.ts";
import { HeldRequests } from "../http/held_requests.ts";
import { InFlight } from "../http/in_flight.ts";
import type { BrokerSettings } from "../settings.ts";
import { isSchemaUsable } from "../store/migrate.ts";
import { openStore } from "../store/open.ts";
import type { AdminDoor } from "./admin_api.ts";
import { databaseOf } from "./database.ts";

/**
 * An API over the database itself, answering nobody but this process.
 *
 * @throws {Failure} `invalid_settings` when the database is held by another process, or is not of this program's shape.
 */
export async function databaseDoor(settings: BrokerSettings, parts: CommandParts): Promise<AdminDoor> {
  await using opening = new AsyncDisposableStack();
  const { database } = opening.use(await databaseOf(settings, parts));
  if (!await isSchemaUsable(database.sql)) {
    throw new Failure(
      "invalid_settings",
      "Cannot use the database: it has another schema than this program; `migrate` or a start of the broker mends that",
    );
  }
  const store = openStore(database);
  opening.defer(() => store.notices.flush().catch(() => {})); // what was done is lasting, whoever hears of it
  const app = createApp({
    store: () => store,
    held: new HeldRequests({ ...parts, random, wakeSpreadMs: settings["broker.wake_spread_ms"] }),
    authenticator: ALWAYS_ADMIN,
    inFlight: new InFlight(settings["broker.max_in_flight"]),
    bounds: { maxBytes: settings["broker.max_body_bytes"], clock: parts.clock },
    parseBundle: (text) => Promise.resolve(judgeBundle(text)),
    allowedOrigins: [],
    log: parts.log,
  });
  const open = opening.move();
  return {
    fetch: async (request) => await app(request, { endpoint: "unmatched", isHeld: false }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
