import { z } from "zod";
import { JSON_TYPE } from "$lib/json.ts";
import { ApprovePruneRequest } from "$lib/wire/agent.ts";
import { Snapshot, type SnapshotStack } from "$lib/wire/snapshot.ts";
import { DeploymentObject, Stack } from "$lib/wire/stack.ts";
import { mayUseAgent } from "../domain/access.ts";
import type { Caller } from "../domain/caller.ts";
import type {
  Snapshot as KeptSnapshot,
  SnapshotStack as KeptStack,
  SnapshotVersion,
  TracedRemoval,
} from "../domain/snapshot.ts";
import { endpoint } from "./endpoint.ts";
import { objectList } from "./object_list.ts";
import { conditional, isKnown, mapPage, notModified } from "./reply.ts";
import { IdPath, Nothing, PageQuery } from "./shapes.ts";
import { stackBody } from "./stacks.ts";

const AGENT = "/api/v1/agents/{id}";
const UTF8 = new TextEncoder();

const snapshot = endpoint({
  method: "get",
  path: `${AGENT}/snapshot`,
  roles: ["admin", "agent"],
  isTraced: false,
  summary: "The complete desired state of an agent; 304 while its revision is the one of If-None-Match",
  params: IdPath,
  answers: { 200: Snapshot },
  handle: async ({ params: { id }, caller, request, snapshotCache }, { snapshots }) => {
    mayUseAgent(caller, id);
    if (request.headers.has("if-none-match") || snapshotCache.has(id)) {
      const etag = etagOf(await snapshots.version(id));
      if (isKnown(request, etag)) return notModified({ etag });
      const body = snapshotCache.find(id, etag);
      if (body !== undefined) return conditional(request, { etag, body, type: JSON_TYPE });
    }
    const kept = await snapshots.read(id, { isOwn: isAgentItself(caller, request) });
    const [etag, body] = [etagOf(kept), UTF8.encode(JSON.stringify(snapshotBody(kept)))];
    if (kept.isDelivered) snapshotCache.keep(id, { etag, body });
    return conditional(request, { etag, body, type: JSON_TYPE });
  },
});

const targetState = endpoint({
  method: "get",
  path: `${AGENT}/target-state`,
  roles: ["admin", "agent"],
  isTraced: false,
  summary: "The newest live object of each associated stack, highest sequence first, as agents of old read it",
  params: IdPath,
  query: z.object({ mode: z.enum(["full", "incremental"]).default("full") }),
  answers: { 200: z.array(DeploymentObject) },
  handle: async ({ params: { id }, query: { mode }, caller, ...asked }, { snapshots, objects }) => {
    mayUseAgent(caller, id);
    const items = await snapshots.targetState(id, { mode, isOwn: isAgentItself(caller, asked.request) });
    return await objectList({ items }, { ...asked, objects });
  },
});

const associatedStacks = endpoint({
  method: "get",
  path: `${AGENT}/stacks`,
  roles: ["admin", "agent"],
  summary: "The stacks that an agent is associated with",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(Stack) },
  handle: async ({ params: { id }, query, caller }, { agents, stacks }) => {
    mayUseAgent(caller, id);
    await agents.get(id);
    return mapPage(await stacks.listAssociated(id, query), stackBody);
  },
});

const approvePrune = endpoint({
  method: "post",
  path: `${AGENT}/approve-prune`,
  roles: ["admin"],
  summary: "Allow the removals that an agent's guard holds at a revision, or the blocked one of a stack",
  params: IdPath,
  body: { shape: ApprovePruneRequest },
  answers: { 204: Nothing },
  handle: async ({ params: { id }, body: { revision, stack_id: stackId } }, { agents }) =>
    await agents.approvePrune(id, { revision, stackId }),
});

/** What an agent polls, and what it is responsible for. */
export const SNAPSHOTS = [snapshot, targetState, associatedStacks, approvePrune] as const;

/** Whether the agent itself hears the answer: of a HEAD it would hear nothing. */
function isAgentItself(caller: Caller, { method }: Request): boolean {
  return caller.role === "agent" && method !== "HEAD";
}

function etagOf({ epoch, revision }: SnapshotVersion): string {
  return `"${epoch}-${revision}"`;
}

function approvedBody({ stackId, revision }: KeptSnapshot["approvedStacks"][number]) {
  return { stack_id: stackId, revision };
}

function snapshotBody(kept: KeptSnapshot): z.input<typeof Snapshot> {
  const { epoch, revision, isPaused, pruneApproved, approvedStacks, approvedHeld, endedStacks, removals, stacks } =
    kept;
  return {
    epoch,
    revision,
    complete: true,
    paused: isPaused,
    prune_approved: pruneApproved ?? null,
    ...(approvedStacks.length === 0 ? {} : { approved_stacks: approvedStacks.map(approvedBody) }),
    ...(approvedHeld.length === 0 ? {} : { approved_held: approvedHeld.map(approvedBody) }),
    ...(endedStacks.length === 0 ? {} : { ended_stacks: [...endedStacks] }),
    ...(removals.length === 0 ? {} : { removals: removals.map(removalBody) }),
    stacks: stacks.map(snapshotStackBody),
  };
}

function removalBody({ stackId, traceparent, tracestate, askedAt }: TracedRemoval) {
  return { stack_id: stackId, traceparent, tracestate, asked_at: askedAt.toISOString() };
}

function snapshotStackBody({ object, ...stack }: KeptStack): SnapshotStack {
  return {
    stack_id: stack.stackId,
    name: stack.name,
    suspended: stack.suspended,
    drift: stack.drift,
    default_namespace: stack.defaultNamespace,
    generator_id: stack.generatorId,
    state: stack.state,
    deployment_object: object === undefined ? null : {
      id: object.id,
      sequence_id: object.sequenceId,
      checksum: object.checksum,
      size_bytes: object.sizeBytes,
      submitted_at: object.submittedAt.toISOString(),
      traceparent: object.traceparent,
      tracestate: object.tracestate,
    },
  };
}
