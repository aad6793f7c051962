import { z } from "zod";
import { type Clock, deadline } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import { ErrorResponse } from "$lib/wire/common.ts";

/** A way to an API that takes everybody for the admin. */
export interface AdminDoor extends AsyncDisposable {
  fetch(request: Request): Promise<Response>;
}

/** The broker's API as its admin uses it. */
export interface AdminApi {
  /**
   * Sends one request; `path` is below `/api/v1/`.
   *
   * @throws {Failure} `broker_rejected` with the API's own message and every fault it named; `broker_unavailable` when
   * there is no answer in 30 s.
   */
  send<S extends z.ZodType>(shape: S, method: "POST" | "PUT", path: string, body?: unknown): Promise<z.output<S>>;
}

const TIMEOUT_MS = 30_000;
const Faults = z.object({ errors: z.array(z.object({ path: z.string(), message: z.string() })) });

/** The API behind a door. */
export function apiThrough(door: AdminDoor, clock: Clock): AdminApi {
  return {
    async send(shape, method, path, body) {
      using limit = deadline(clock, TIMEOUT_MS);
      const request = new Request(`http://broker/api/v1/${path}`, {
        method,
        headers: { "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
        signal: limit.signal,
      });
      const answer = await door.fetch(request).catch((cause) => {
        throw new Failure("broker_unavailable", `Cannot reach the broker: ${messageOf(cause)}`, { cause });
      });
      const text = await answer.text();
      if (!answer.ok) throw new Failure("broker_rejected", reasonOf(text));
      return shape.parse(JSON.parse(text));
    },
  };
}

/** The API's message, and below it a line for each fault. */
function reasonOf(text: string): string {
  const { message, details } = ErrorResponse.parse(JSON.parse(text));
  const faults = Faults.safeParse(details).data?.errors ?? [];
  return [message, ...faults.map(({ path, message }) => `${path}: ${message}`)].join("\n  ");
}
