import { z } from "zod";
import { SnapshotChange } from "$lib/wire/snapshot.ts";
import { mayActAsAgent } from "../domain/access.ts";
import { endpoint } from "./endpoint.ts";
import type { WaitEnding } from "./held_requests.ts";
import { IdPath, Nothing } from "./shapes.ts";

const WAIT_MAX_SECONDS = 55;
const WAIT_SECONDS = 25;
const HEADERS = { "cache-control": "no-store" };

const changes = endpoint({
  method: "get",
  path: "/api/v1/agents/{id}/changes",
  roles: ["agent"],
  isHeld: true,
  isTraced: false,
  summary: "Held until the agent's revision is another than since: then poll. 204 when the wait is over",
  params: IdPath,
  query: z.object({
    since: z.coerce.number().pipe(z.int().min(0)),
    wait: z.coerce.number().pipe(z.int().min(1).max(WAIT_MAX_SECONDS)).default(WAIT_SECONDS),
  }),
  answers: { 200: SnapshotChange, 204: Nothing },
  handle: async ({ params: { id: agentId }, query: { since, wait }, caller, request, held }, { snapshots }) => {
    mayActAsAgent(caller, agentId);
    const waiting = { agentId, since, waitMs: wait * 1_000, signal: request.signal };
    return answerOf(await held.wait(waiting, async () => (await snapshots.version(agentId)).revision));
  },
});

/** What agents hold to hear at once of what they would hear with their next poll. */
export const CHANGES = [changes] as const;

function answerOf(ending: WaitEnding): Response {
  if (ending.kind === "changed") return Response.json({ revision: ending.revision }, { headers: HEADERS });
  const answer = new Response(undefined, { status: 204, headers: HEADERS });
  if (ending.kind === "stopping") answer.headers.set("retry-after", String(ending.retryAfterSeconds));
  return answer;
}
