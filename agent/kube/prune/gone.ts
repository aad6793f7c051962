import { Failure } from "$lib/error.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import { allEnded } from "../all_ended.ts";
import type { Discovery } from "../discovery.ts";
import { findRecorded } from "./disposition.ts";
import { listMembers, type Member } from "../records/members.ts";
import type { SetIdentity } from "../names.ts";
import { type WaitingParts, whatRemains } from "../apply/remaining.ts";
import type { TurnRecord } from "../records/turn_record.ts";

/** What waiting for the end of members needs. */
export interface GoneParts extends WaitingParts {
  readonly kubernetes: Kubernetes;
  readonly discovery: Discovery;
  readonly set: SetIdentity;
  readonly record: Pick<TurnRecord, "get">;
}

const INTERVAL_MS = 500;
const TIMEOUT_MS = 30_000;

/**
 * Waits until these members, whose deletion has begun, are gone.
 *
 * @returns Those that are there still after 30 s, as far as that can be seen.
 */
export async function waitUntilGone(
  parts: GoneParts,
  going: readonly Member[],
  signal: AbortSignal,
): Promise<readonly Member[]> {
  const patience = { until: "gone", intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS, signal } as const;
  return await whatRemains(parts, { things: going, look: (left) => stillThere(parts, left, signal) }, patience);
}

async function stillThere(
  parts: GoneParts,
  going: readonly Member[],
  signal: AbortSignal,
): Promise<readonly Member[]> {
  const { byKey, failures } = await listMembers(parts, {
    setId: parts.set.id,
    groupKinds: [...new Map(going.map(({ place: { resource }, groupKind }) => [resource, groupKind])).values()],
    namespaces: [...new Set(going.flatMap(({ place: { namespace } }) => namespace ?? []))],
  }, signal);
  if (failures.length > 0) return going;
  const isLeft = async (member: Member) => {
    const listed = byKey.get(member.key);
    return listed === undefined ? await isThere(parts, member, signal) : listed.meta.uid === member.meta.uid;
  };
  const left = await allEnded(going, isLeft);
  return going.filter((_, index) => left[index]);
}

/** What is not listed may only have lost our label; what can't be seen is not gone. */
async function isThere(
  { kubernetes, discovery, record }: GoneParts,
  { key, groupKind, place, meta }: Member,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { otherServer } = record.get(key) ?? {};
    const found = await findRecorded({ kubernetes, discovery }, { ...groupKind, ...place, otherServer }, signal);
    return found === "unseen" || found?.meta.uid === meta.uid;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
    return true;
  }
}
