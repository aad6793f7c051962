import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { AgentEvent } from "$lib/wire/event.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { DeploymentObject, Stack } from "$lib/wire/stack.ts";
import { type Api, apiClient } from "../system/api.ts";
import { eventually } from "../system/wait.ts";
import { application, page, server } from "./application.ts";
import { seconds } from "./table.ts";
import { isComplete, type Sight, type Watcher } from "./watcher.ts";

/** The object that moves to another stack, and is then removed by hand. */
const PAGE = "ConfigMap web-page";
const GREETING = "hello again";
const REPLICAS = 3;
const STEP_LIMIT = { seconds: 120, everyMs: 100 };

/** Who takes part: made through the public API, before the agent starts. */
export interface Cast {
  readonly admin: Api;
  readonly generator: Api;
  readonly generatorId: string;
  readonly agentId: string;
  readonly agentPak: string;
}

/** One line of the table. */
export interface Happening {
  readonly step: string;
  readonly object: string;
  readonly state: string;
  /**
   * From the step's begin until the cluster was seen like that; of the report, by the broker's clock; else undefined.
   */
  readonly afterMs: number | undefined;
}

/** What the story is told with. */
export interface Stage {
  readonly cast: Cast;
  readonly watcher: Watcher;
  readonly say: (line: string) => void;
}

/** Creates a generator and an active agent that receives from it. */
export async function assemble(url: string, adminPak: string): Promise<Cast> {
  const admin = apiClient(url, adminPak);
  const { generator, pak } = await admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "demo-team" });
  const { agent, initial_pak } = await admin.send(CreateAgentResponse, "POST", "/agents", {
    name: "demo",
    cluster_name: "demo",
    generator_ids: [generator.id],
  });
  await admin.send(z.object({ status: z.literal("ACTIVE") }), "PUT", `/agents/${agent.id}`, { status: "ACTIVE" });
  const generatorApi = apiClient(url, pak);
  return { admin, generator: generatorApi, generatorId: generator.id, agentId: agent.id, agentPak: initial_pak };
}

/** The whole story, in the order it happens; returns what happened, object by object. */
export async function runStory(stage: Stage): Promise<readonly Happening[]> {
  const stackId = await target(stage, "demo-web");
  const changed = application({ greeting: GREETING, replicas: REPLICAS });
  const happenings = [
    ...await deliver(stage, stackId, { step: "submitted", bundle: application({ greeting: "hello", replicas: 2 }) }),
    ...await deliver(stage, stackId, { step: "changed", bundle: changed }),
  ];
  const pageId = await target(stage, "demo-page");
  return [...happenings, await handOver(stage, stackId, pageId), ...await repair(stage)];
}

/** A stack of the generator's that the agent is to have. */
async function target({ cast: { generator, generatorId, agentId }, say }: Stage, name: string): Promise<string> {
  const { id } = await generator.send(Stack, "POST", "/stacks", { name, generator_id: generatorId });
  await generator.send(z.unknown(), "POST", `/agents/${agentId}/targets`, { agent_id: agentId, stack_id: id });
  say(`stack "${name}" is targeted at agent "demo"`);
  return id;
}

/** Moves the page to a stack of its own: it changes hands, and stays the object that it is. */
async function handOver(stage: Stage, fromId: string, toId: string): Promise<Happening> {
  const before = sightOfPage(await stage.watcher.look());
  const startMs = performance.now();
  // First who wants it, then who lets it go: the agent may ask in between, and what nobody wants is removed.
  for (const [stackId, bundle] of [[toId, page(GREETING)], [fromId, server(REPLICAS)]] as const) {
    await stage.cast.generator.send(DeploymentObject, "POST", `/stacks/${stackId}/deployment-objects`, bundle);
  }
  stage.say(`moved ${PAGE} from stack "demo-web" to stack "demo-page"`);
  const after = await eventually(`${PAGE} is stack "demo-page"'s`, async () => {
    const now = sightOfPage(await stage.watcher.look());
    return now?.stackId === toId ? now : undefined;
  }, STEP_LIMIT);
  const afterMs = performance.now() - startMs;
  const verdict = after.uid === before?.uid ? "handed over, same uid" : "made anew";
  stage.say(`${clock(afterMs)} ${PAGE}: ${verdict}`);
  return { step: "moved", object: PAGE, state: verdict, afterMs };
}

function sightOfPage(sights: readonly Sight[]): Sight | undefined {
  return sights.find(({ object }) => object === PAGE);
}

/** Submits a bundle, follows it until the agent has reported it and the cluster has it, and says what changed. */
async function deliver(
  stage: Stage,
  stackId: string,
  { step, bundle }: { step: string; bundle: string },
): Promise<Happening[]> {
  const before = await stage.watcher.look();
  const startMs = performance.now();
  const path = `/stacks/${stackId}/deployment-objects`;
  const object = await stage.cast.generator.send(DeploymentObject, "POST", path, bundle);
  stage.say(`${step} deployment object ${object.sequence_id}, sha256 ${object.yaml_checksum.slice(0, 12)}…`);
  let isReported = false;
  const followed = follow(stage, { before, startMs, step, mayEnd: () => isReported });
  const event = await eventually(
    `the agent reports object ${object.sequence_id}`,
    () => reported(stage.cast, object.id),
    STEP_LIMIT,
  );
  isReported = true;
  if (event.status !== "SUCCESS") throw new Error(`Cannot deliver: the agent reports ${event.message}`);
  const reportedMs = Date.parse(event.created_at) - Date.parse(object.submitted_at);
  stage.say(`${clock(reportedMs)} the agent reports ${event.status}: ${event.message ?? ""}`);
  return [...await followed, { step, object: "reported applied", state: event.status, afterMs: reportedMs }];
}

async function reported({ admin, agentId }: Cast, objectId: string): Promise<AgentEvent | undefined> {
  const events = await admin.send(z.array(AgentEvent), "GET", `/agents/${agentId}/events`);
  return events.find((event) => event.deployment_object_id === objectId);
}

/** Removes an object by hand and waits until the agent, who watches it, has put it back, as another one. */
async function repair(stage: Stage): Promise<Happening[]> {
  const before = await stage.watcher.look();
  const startMs = performance.now();
  await stage.watcher.remove(PAGE);
  stage.say(`removed ${PAGE} by hand`);
  const happenings = await follow(stage, { before, startMs, step: "removed by hand", mayEnd: () => true });
  return happenings.filter(({ object }) => object === PAGE);
}

interface Following {
  readonly before: readonly Sight[];
  readonly startMs: number;
  readonly step: string;
  /** Whether there is nothing to come any more: between two objects of a bundle, all that are there are complete. */
  readonly mayEnd: () => boolean;
}

/** Says every change of every object until the cluster is complete and differs from `before`. */
async function follow(stage: Stage, { before, startMs, step, mayEnd }: Following): Promise<Happening[]> {
  let last = before;
  const seenMs = new Map<string, number>();
  await eventually(`the cluster has what was ${step}`, async () => {
    const isLast = mayEnd();
    const now = await stage.watcher.look();
    for (const [index, sight] of now.entries()) {
      const earlier = last[index];
      if (earlier === undefined || (earlier.state === sight.state && earlier.content === sight.content)) continue;
      seenMs.set(sight.object, performance.now() - startMs);
      stage.say(`${clock(performance.now() - startMs)} ${sight.object}: ${sight.state}`);
    }
    last = now;
    return isLast && isComplete(now) && now.some((sight, index) => sight.content !== before[index]?.content);
  }, STEP_LIMIT);
  return last.map((sight, index) => ({
    step,
    object: sight.object,
    state: `${verdict(before[index], sight)}, ${sight.state}`,
    afterMs: seenMs.get(sight.object),
  }));
}

function verdict(before: Sight | undefined, now: Sight): string {
  if (before?.uid === undefined) return "created";
  if (before.uid !== now.uid) return "back again";
  return before.content === now.content ? "untouched" : "changed";
}

function clock(ms: number): string {
  return `${seconds(ms).padStart(6)} s `;
}
