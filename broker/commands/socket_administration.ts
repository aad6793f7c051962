import type { Clock } from "$lib/clock.ts";
import type { OpenAdministration } from "./administration.ts";
import { apiAdministration } from "./client/api_administration.ts";
import { brokerApi } from "./client/api.ts";
import { throughDoor } from "./client/connection.ts";
import { socketDoor } from "./socket_door.ts";

/**
 * Administration through the broker that runs in a data folder; undefined where none does.
 *
 * @throws {Failure} `broker_unavailable` when one may run there, but this user may not open its socket.
 */
export async function socketAdministration(dataDir: string, clock: Clock): Promise<OpenAdministration | undefined> {
  const door = await socketDoor(dataDir);
  if (door === undefined) return undefined;
  const connection = throughDoor(door, dataDir);
  const { signal } = new AbortController();
  const administration = apiAdministration(brokerApi({ connection, clock, signal }));
  return { ...administration, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() };
}
