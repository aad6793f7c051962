import { isRefused, type KubernetesObject } from "$lib/kubernetes.ts";
import { differencesFromNew, FIELDS_FOUND_MAX } from "../compare/differences.ts";
import { type FieldSet, union } from "../compare/field_sets.ts";
import { foldedAway, foldPlan } from "../compare/folding.ts";
import { dependents, leftovers } from "../compare/leftovers.ts";
import { isVersionFailure, repairVersions } from "../compare/versions.ts";
import { clearingOf, foldingOf, type HandOver, handOverOf } from "./hand_over.ts";
import type { JudgeParts, Verdict, Write } from "./judge.ts";
import { type Replaceable, tryReplace } from "./replacing.ts";

/** A write whose dry run was refused. */
export interface Refused {
  readonly write: Write;
  readonly live: KubernetesObject;
  readonly refusal: unknown;
}

/** What the API server refuses to make of an object as it is may be made of it in another way. */
export async function judgeRefused(
  parts: JudgeParts,
  { write, live, refusal }: Refused,
  signal: AbortSignal,
): Promise<Verdict> {
  const { desired: { place, policies }, object } = write;
  const untried = { ...write, isTried: false };
  if (isVersionFailure(refusal)) {
    const handOver = await repairOf(parts, { write, live }, signal);
    if (handOver(live) === undefined) throw refusal;
    return { is: "write", write: { ...untried, handOver } };
  }
  if (!isRefused(refusal, 422)) throw refusal;
  const replacing = { place, object, live, refusal };
  const folding = foldingOf(parts, write, { live, manifest: object });
  const clearing = clearingOf(parts, write);
  const cleared = clearing(live) === undefined ? undefined : await tryReplace(parts.kubernetes, replacing, signal);
  if (cleared !== undefined) {
    const going = union(leftovers(live, object, parts.formerManagers), dependents(live, { manifest: object }));
    const fields = new Set([...fieldsOf(live, { ...cleared, manifest: object, going }), ...foldedAway(folding)]);
    return { is: "write", write: { ...write, handOver: clearing, fields: [...fields].slice(0, FIELDS_FOUND_MAX) } };
  }
  if (foldPlan(folding) !== undefined) {
    const handOver = handOverOf(parts, write, { manifest: object });
    return { is: "write", write: { ...untried, handOver, fields: foldedAway(folding) } };
  }
  if (!parts.mayReplace || policies.replace !== "immutable") throw refusal;
  const replaceable = await tryReplace(parts.kubernetes, replacing, signal);
  if (replaceable === undefined) throw refusal;
  return {
    is: "write",
    write: { ...write, how: "replace", fields: fieldsOf(live, { ...replaceable, manifest: object }) },
  };
}

interface FieldsAsked extends Replaceable {
  readonly manifest: KubernetesObject;
  readonly going?: FieldSet;
}

function fieldsOf(live: KubernetesObject, { manifest, sent, made, going = {} }: FieldsAsked): readonly string[] {
  return sent === undefined || made === undefined ? [] : differencesFromNew(live, { manifest, sent, made, going });
}

/** A dry run can't try what only works once older versions' entries are repaired: that is found out by the write. */
async function repairOf(
  { discovery }: JudgeParts,
  { write, live }: { readonly write: Write; readonly live: KubernetesObject },
  signal: AbortSignal,
): Promise<HandOver> {
  const versions = new Set((live.metadata.managedFields ?? []).flatMap(({ apiVersion }) => apiVersion ?? []));
  const gone = new Set<string>();
  for (const version of versions) if (!await discovery.serves(version, signal)) gone.add(version);
  const { apiVersion } = write.object;
  return (object) => repairVersions(object, { apiVersion, served: (version) => !gone.has(version) });
}
