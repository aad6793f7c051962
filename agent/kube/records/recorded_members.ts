import { type ObjectMeta } from "$lib/kubernetes.ts";
import type { LegacyScope, RecordedObject } from "../../plan/record.ts";
import { listMembers, type Member, type Members } from "./members.ts";
import { ADOPTED, groupKindText, MANIFEST_CHECKSUM, OWNER_ID, type SetIdentity } from "../names.ts";
import type { TurnParts } from "../reconcile.ts";
import { recordedPlace, shortChecksum, type TurnRecord } from "./turn_record.ts";

/** Whose members are listed, and what is known of them. */
export interface RecordedSet {
  readonly set: SetIdentity;
  readonly record: TurnRecord;
  /** Of a parent of 0.10.0. */
  readonly legacy: LegacyScope | undefined;
}

const SPOILT = "the parent's list of kinds is lost, so nobody knows all objects of the stack";

/**
 * Lists what a stack's record names, as it is now. Of a parent of 0.10.0, whose objects carry our label and are in no
 * record, what carries it and was applied by this agent goes into the record.
 */
export async function recordedMembers(
  parts: Pick<TurnParts, "kubernetes" | "discovery">,
  { set, record, legacy }: RecordedSet,
  signal: AbortSignal,
): Promise<Members> {
  if (legacy?.isSpoilt === true) return { byKey: new Map(), failures: [SPOILT], away: new Set() };
  const recorded = record.entries().map(([, object]) => object);
  const groupKinds = new Map([...recorded, ...legacy?.groupKinds ?? []].map((one) => [groupKindText(one), one]));
  const namespaces = new Set([...recorded.flatMap(({ namespace }) => namespace ?? []), ...legacy?.namespaces ?? []]);
  const scope = { setId: set.id, groupKinds: [...groupKinds.values()], namespaces: [...namespaces] };
  const members = await listMembers(parts, scope, signal);
  if (legacy === undefined || members.failures.length > 0) return members;
  for (const member of members.byKey.values()) {
    if (isOurs(member.meta, set)) record.adopt(member.key, recordOf(member));
  }
  return members;
}

function isOurs({ annotations, ownerReferences = [] }: ObjectMeta, { agentId }: SetIdentity): boolean {
  return annotations?.[OWNER_ID] === agentId && ownerReferences.every(({ controller }) => controller !== true);
}

function recordOf(member: Member): RecordedObject {
  const { uid, annotations } = member.meta;
  return {
    ...recordedPlace(member),
    ...(uid === undefined ? {} : { uid }),
    checksum: shortChecksum(annotations?.[MANIFEST_CHECKSUM] ?? ""),
    ...(annotations?.[ADOPTED] === undefined ? {} : { adopted: true }),
  };
}
