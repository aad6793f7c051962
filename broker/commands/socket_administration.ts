import { z } from "zod";
import { type Clock, deadline } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { Agent, CreateAgentResponse, RotatedAgentPak } from "$lib/wire/agent.ts";
import { ErrorResponse, RotatedPak } from "$lib/wire/common.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import type { Administration } from "./administration.ts";
import { socketDoor } from "./socket_door.ts";

/**
 * Sends one request; `path` is below `/api/v1/`.
 *
 * @throws {Failure} `broker_rejected` with the API's own message and every fault it named; `broker_unavailable` when
 * there is no answer in 30 s.
 */
type Send = <S extends z.ZodType>(
  shape: S,
  method: "POST" | "PUT",
  path: string,
  body?: unknown,
) => Promise<z.output<S>>;

const TIMEOUT_MS = 30_000;
const Faults = z.object({ errors: z.array(z.object({ path: z.string(), message: z.string() })) });

/**
 * Administration through the broker that runs in a data folder; undefined where none does.
 *
 * @throws {Failure} `broker_unavailable` when one may run there, but this user may not open its socket.
 */
export async function socketAdministration(dataDir: string, clock: Clock): Promise<Administration | undefined> {
  const door = await socketDoor(dataDir);
  if (door === undefined) return undefined;
  const send = sender(door, clock);
  return {
    async createAgent(agent, { isActive }) {
      const { agent: { id, status }, initial_pak: pak } = await send(CreateAgentResponse, "POST", "agents", agent);
      if (!isActive) return { id, pak, status };
      return { id, pak, status: (await send(Agent, "PUT", `agents/${id}`, { status: "ACTIVE" })).status };
    },
    async createGenerator(asked) {
      const { generator: { id }, pak } = await send(CreateGeneratorResponse, "POST", "generators", asked);
      return { id, pak };
    },
    rotateAdmin: async () => (await send(RotatedPak, "POST", "admin/rotate-pak", { revoke: true })).pak,
    rotateAgent: async (id) => (await send(RotatedAgentPak, "POST", `agents/${id}/rotate-pak`)).pak,
    async rotateGenerator(id) {
      const { generator: { name }, pak } = await send(CreateGeneratorResponse, "POST", `generators/${id}/rotate-pak`);
      return { name, pak };
    },
    [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
  };
}

function sender(door: { fetch(request: Request): Promise<Response> }, clock: Clock): Send {
  return async (shape, method, path, body) => {
    using limit = deadline(clock, TIMEOUT_MS);
    const request = new Request(`http://broker/api/v1/${path}`, {
      method,
      headers: { "content-type": JSON_TYPE },
      body: body === undefined ? null : JSON.stringify(body),
      signal: limit.signal,
    });
    const answer = await door.fetch(request).catch((cause) => {
      throw new Failure("broker_unavailable", `Cannot reach the broker: ${messageOf(cause)}`, { cause });
    });
    const text = await answer.text();
    if (!answer.ok) throw new Failure("broker_rejected", reasonOf(text));
    return shape.parse(JSON.parse(text));
  };
}

/** The API's message, and below it a line for each fault. */
function reasonOf(text: string): string {
  const { message, details } = ErrorResponse.parse(JSON.parse(text));
  const faults = Faults.safeParse(details).data?.errors ?? [];
  return [message, ...faults.map(({ path, message }) => `${path}: ${message}`)].join("\n  ");
}
