import { z } from "zod";
import { startProxy } from "../../system/proxy.ts";
import { eventually } from "../../system/wait.ts";

/** When an agent came to know of an object, and when it said that it was applied; milliseconds since the epoch. */
export interface Turn {
  /** The answer that names the object was handed to the agent. */
  readonly knownMs: number;
  /** The agent's report arrived. */
  readonly reportedMs: number;
}

/** Stands between an agent and its broker and notes when what passes by. */
export interface TurnWatch extends AsyncDisposable {
  /** Sets which broker; returns where the agent finds it. */
  before(brokerUrl: string): string;
  /** Waits until the object is reported as applied. @throws When the agent reports anything worse. */
  turnOf(objectId: string): Promise<Turn>;
}

const Snapshot = z.object({
  stacks: z.array(z.object({ deployment_object: z.object({ id: z.string() }).nullable() })),
});
const Report = z.object({ deployment_object_id: z.string(), state: z.string(), message: z.string().optional() });

/** Starts watching, on a port of its own. */
export function watchTurns(): TurnWatch {
  const known = new Map<string, number>();
  const reported = new Map<string, number>();
  const failures = new Map<string, string>();
  const proxy = startProxy(async (request, forward) => {
    if (request.method === "POST" && request.url.endsWith("/events")) await noteReport(request.clone());
    const answer = await forward(request);
    if (request.url.endsWith("/snapshot") && answer.status === 200) await noteSnapshot(answer.clone());
    return answer;
  });

  async function noteReport(request: Request): Promise<void> {
    const reportedMs = Date.now();
    const { deployment_object_id: id, state, message } = Report.parse(await request.json());
    if (state === "applied") reported.set(id, reportedMs);
    else if (state !== "applying") failures.set(id, `${state}: ${message}`);
  }

  async function noteSnapshot(answer: Response): Promise<void> {
    const { stacks } = Snapshot.parse(await answer.json());
    for (const { deployment_object: object } of stacks) {
      if (object !== null && !known.has(object.id)) known.set(object.id, Date.now());
    }
  }

  return {
    before: (brokerUrl) => proxy.before(brokerUrl),
    async turnOf(id) {
      const end = await eventually(`object ${id} is reported`, () => reported.get(id) ?? failures.get(id), {
        seconds: 300,
        everyMs: 10,
      });
      const knownMs = known.get(id);
      if (typeof end === "string") throw new Error(`The agent reports ${end}`);
      if (knownMs === undefined) throw new Error(`Object ${id} is reported, and was in no snapshot`);
      return { knownMs, reportedMs: end };
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}
