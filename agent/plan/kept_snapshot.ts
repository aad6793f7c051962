import { z } from "zod";
import { sha256HexSync } from "$lib/ids.ts";
import { jsonIn } from "$lib/json.ts";
import { Uuid } from "$lib/wire/common.ts";
import { Snapshot, SnapshotStack } from "$lib/wire/snapshot.ts";
import type { StandbyReason } from "./planner.ts";

/** The last believed snapshot, as it is kept in the cluster for a start without the broker. */
export interface KeptCopy {
  /** Who the broker said that this agent is. */
  readonly agentId: string;
  readonly epoch: string;
  readonly revision: number;
  readonly stacks: readonly SnapshotStack[];
  /** Why nothing was to be written to the cluster: it is so, until the broker says otherwise. */
  readonly standby?: KeptReason;
}

/** What holds for every agent of these names. A key's refusal does not: it is noted of that key alone. */
export type KeptReason = Exclude<StandbyReason, "denied">;

/** A copy, and what is noted of the key of the agent that reads it. */
export interface FoundCopy extends KeptCopy {
  /** Whether the broker, when it was last asked with this very key, did not take it for this agent's. */
  readonly isKeyRefused: boolean;
}

/** By which names an agent that knows no id yet finds its copy. */
export interface KeptOwner {
  readonly agentName: string;
  readonly clusterName: string;
}

/** A deployment object, as far as keeping its bundle needs it. */
export interface KeptObject {
  readonly id: string;
  /** The SHA-256 of the bundle. */
  readonly checksum: string;
}

/**
 * Copies of snapshot and bundles in the cluster. Each verb throws what the API server answers; what is spoilt is not
 * there.
 */
export interface KeptStore {
  /** What is kept; undefined when there is nothing, or what is there can't be used, which is logged. */
  read(signal?: AbortSignal): Promise<FoundCopy | undefined>;
  write(copy: KeptCopy, signal?: AbortSignal): Promise<void>;
  /** Notes of the key of now whether the broker refused it. False where nothing is kept that could say so. */
  noteKey(isRefused: boolean, signal?: AbortSignal): Promise<boolean>;
  /** Ids of the deployment objects of whose bundles something is kept, and whether all of it is. */
  listBodies(signal?: AbortSignal): Promise<ReadonlyMap<string, boolean>>;
  /** A kept bundle whose checksum is right. */
  readBody(object: KeptObject, signal?: AbortSignal): Promise<string | undefined>;
  writeBody(object: KeptObject, text: string, signal?: AbortSignal): Promise<void>;
  /** Takes away every kept bundle, or part of one, whose deployment object is none of these. */
  removeOtherBodies(wanted: ReadonlySet<string>, signal?: AbortSignal): Promise<void>;
}

const SHAPE = 1;
const DIGITS = 16;

const Text = z.object({
  shape: z.literal(SHAPE),
  agent_id: Uuid,
  agent_name: z.string(),
  cluster_name: z.string(),
  epoch: Snapshot.shape.epoch,
  revision: Snapshot.shape.revision,
  standby: z.enum(["paused", "mismatch"]).optional(),
  stacks: z.array(SnapshotStack),
});

/** 16 hexadecimal digits that stand for the owner in names of objects. */
export function keptKey({ agentName, clusterName }: KeptOwner): string {
  return sha256HexSync(`${agentName}/${clusterName}`).slice(0, DIGITS);
}

/** 16 hexadecimal digits that stand for a key, and by which neither it nor the broker's hash of it can be found. */
export function keyDigest(key: string): string {
  return sha256HexSync(`brokkr.io/refused-keys ${key}`).slice(0, DIGITS);
}

/** What is to be kept of a snapshot: of approvals nothing, for from the copy alone nothing is removed. */
export function keptCopy(
  agentId: string,
  { epoch, revision, stacks }: Snapshot,
  standby: KeptReason | undefined,
): KeptCopy {
  return { agentId, epoch, revision, stacks, ...(standby === undefined ? {} : { standby }) };
}

/** The copy as a snapshot to be planned. */
export function snapshotOf({ epoch, revision, stacks, standby }: KeptCopy): Snapshot {
  return { epoch, revision, complete: true, paused: standby === "paused", prune_approved: null, stacks: [...stacks] };
}

/** What {@linkcode readKeptText} reads as this. */
export function keptText(
  { agentId, epoch, revision, stacks, standby }: KeptCopy,
  { agentName, clusterName }: KeptOwner,
): string {
  const owner = { agent_id: agentId, agent_name: agentName, cluster_name: clusterName };
  return JSON.stringify({ shape: SHAPE, ...owner, epoch, revision, standby, stacks });
}

/**
 * What a text keeps for this owner.
 *
 * @returns A text when there is nothing to be used: why.
 */
export function readKeptText(text: string, { agentName, clusterName }: KeptOwner): KeptCopy | string {
  const { data } = Text.safeParse(jsonIn(text));
  if (data === undefined) return "it is spoilt, or of another version";
  const { agent_id: agentId, agent_name, cluster_name, epoch, revision, stacks, standby } = data;
  if (agent_name !== agentName || cluster_name !== clusterName) {
    return `it is of agent "${agent_name}" in cluster "${cluster_name}"`;
  }
  return { agentId, epoch, revision, stacks, ...(standby === undefined ? {} : { standby }) };
}
