import type { ObjectAction, ObjectResult, YieldedField } from "$lib/wire/event.ts";
import { allEnded } from "./all_ended.ts";
import { pruneAbsent } from "./prune/absent.ts";
import { findRecorded } from "./prune/disposition.ts";
import { type Desired, objectName, type StagedRefusal } from "./desired.ts";
import type { Members } from "./records/members.ts";
import type { SetIdentity } from "./names.ts";
import { type Done, failed, isWritten, objectText, type Outcome, outcomeOf, stackText } from "./outcome.ts";
import type { ReconcileRequest, TurnParts } from "./reconcile.ts";
import { recordedMembers } from "./records/recorded_members.ts";
import { asStack } from "./stack_doors.ts";
import { isBlamed, isGate } from "./apply/gates.ts";
import { bringStages, type StagesOutcome } from "./apply/stages.ts";
import type { OwnershipParts } from "./apply/ownership.ts";
import { type SweptTurn, sweptTurn, untouched } from "./watch/swept_turn.ts";
import { shortChecksum, TurnRecord } from "./records/turn_record.ts";
import { readWanted } from "./wanted.ts";

/** A turn that brings a stack to its deployment object. */
export async function applyTurn(parts: TurnParts, request: ReconcileRequest, signal: AbortSignal): Promise<Outcome> {
  const { stack, object, defaultNamespace } = request;
  const before = await parts.records.find(stack.id, signal);
  const turn = asStack(parts, stack, before);
  const record = new TurnRecord(turn.records, stack, before);
  const set = await turn.records.setOf(stack.id);
  const read = () => readWanted(turn, { request, set, before }, signal);
  if (before?.unreadable !== undefined) {
    using _wanted = await read();
    return failed("list_failed", [before.unreadable]);
  }
  const isWhole = record.isWhole(object.id, defaultNamespace);
  if (request.drift === "off" && isWhole) return leftAlone(turn, record, { results: untouched(record), unseen: [] });
  if (request.sweep !== undefined && isWhole) {
    const swept = await sweptTurn(request.sweep, { set, record }, signal);
    if (swept !== undefined && swept.unseen.length > 0) await apiServerAnswers(turn, signal);
    if (swept !== undefined && (request.compareAll !== true || swept.unseen.length > 0)) {
      return leftAlone(turn, record, swept);
    }
  }
  const list = () => recordedMembers(turn, { set, record, legacy: before?.legacy }, signal);
  const listing = before?.legacy === undefined && mayListAtOnce(turn, record) ? list() : undefined;
  listing?.catch(() => {}); // where the bundle can't be had, nobody waits for it
  using wanted = await read();
  const { bundle, desired, refusals, faults, keys } = wanted;
  if (faults.length > 0) return failed("invalid_bundle", faults);
  const isRetry = !isWhole && before?.wanted?.deploymentObjectId === object.id;
  record.want({ deploymentObjectId: object.id, keys, defaultNamespace });
  const members = await (listing ?? list());
  if (before?.legacy !== undefined && members.failures.length > 0) return failed("list_failed", members.failures);
  if (members.away.size > 0) await apiServerAnswers(turn, signal);
  const left = refusals.flatMap((refusal) => asApplied(refusal, record));
  const tried = refusals.filter((refusal) => !left.some((one) => one.refusal === refusal));
  const doorOfHolder = (id: string) => turn.doors.ofHolder(record.stack, turn.records.knownOf(id));
  const done = await applyRecorded(
    { ...turn, doorOfHolder, set, record, members, desired, refusals: tried, left, request, isRetry },
    signal,
  );
  const warnings = bundle.manifests.flatMap(({ warnings }) => warnings);
  return outcomeOf({ ...done, warnings, yielded: yieldedIn(record) });
}

/** A list takes as long as the bundle does to be read; where types are to be asked for, the bundle's ask for them. */
function mayListAtOnce({ discovery }: TurnParts, record: TurnRecord): boolean {
  return record.entries().every(([, object]) => discovery.knows(object));
}

/** An object that was applied, of which nobody can say more now: its manifest is the same, and its server is away. */
interface LeftObject {
  readonly key: string;
  readonly refusal: StagedRefusal;
}

function asApplied(refusal: StagedRefusal, record: TurnRecord): readonly LeftObject[] {
  const { awayChecksum, keys } = refusal;
  if (awayChecksum === undefined) return [];
  const key = keys.find((one) => {
    const recorded = record.get(one);
    return recorded?.uid !== undefined && recorded.checksum === shortChecksum(awayChecksum);
  });
  return key === undefined ? [] : [{ key, refusal }];
}

/** A turn that asked for no object of its own, and changed none. */
function leftAlone(turn: TurnParts, record: TurnRecord, { results, unseen }: SweptTurn): Outcome {
  results.forEach(({ action }) => turn.acted(action));
  return outcomeOf({ results, yielded: yieldedIn(record), lines: unseen.map(unseenLine) });
}

/** @throws {Failure} `kubernetes_unavailable` when the API server itself is away, and not what is behind it. */
async function apiServerAnswers({ discovery }: TurnParts, signal: AbortSignal): Promise<void> {
  await discovery.serves("v1", signal);
}

function unseenLine(failure: string): string {
  return `${failure}; what was applied of it is taken to be as it was`;
}

interface ApplyParts extends TurnParts, Pick<OwnershipParts, "doorOfHolder"> {
  readonly set: SetIdentity;
  readonly record: TurnRecord;
  readonly members: Members;
  readonly desired: readonly Desired[];
  readonly refusals: readonly StagedRefusal[];
  readonly left: readonly LeftObject[];
  readonly request: ReconcileRequest;
  readonly isRetry: boolean;
}

/** However this ends, what was written is in the record. */
async function applyRecorded(parts: ApplyParts, signal: AbortSignal): Promise<Done> {
  const { record } = parts;
  try {
    return await applyAndPrune(parts, signal);
  } finally {
    if (signal.aborted) await record.save().catch(() => {}); // a signal that aborted would end this write, too
    else await record.save(signal);
  }
}

async function applyAndPrune(parts: ApplyParts, signal: AbortSignal): Promise<Done> {
  const { record, request, members, desired, left } = parts;
  const { object, defaultNamespace, drift = "repair", mayReplace = true, compareAll = false, mayPrune, guard } =
    request;
  const isDrift = record.deploymentObjectId === object.id;
  const mayWrite = drift === "repair" || !record.isWhole(object.id, defaultNamespace);
  const acted = (action: ObjectAction) => parts.acted(action, { isRepair: isDrift && isWritten({ action }) });
  const dropGates = (blamed: ReadonlySet<string>) => mayPrune ? dropBlamed(parts, blamed, signal) : Promise.resolve([]);
  const stageParts = { ...parts, acted, mayWrite, mayReplace, compareAll, dropGates };
  const outcome = await bringStages(stageParts, parts, signal);
  const results = [...outcome.results, ...left.map(({ refusal: { result } }) => leftResult(result))];
  left.forEach(() => acted("unchanged"));
  const waiting = waitingLines(outcome);
  if (outcome.isFailed) return { results, reason: "apply_failed", lines: waiting };
  if (outcome.isRefused) return { results, reason: "refused", lines: waiting };
  if (outcome.wanted.length > 0) return { results, reason: "wanted_elsewhere", lines: waiting };
  if (outcome.going.length > 0) return { results, reason: "waiting", lines: waiting };
  if (!mayWrite) return { results, lines: differenceLines(outcome) };
  const wantedKeys = [...desired, ...left].map(({ key }) => key);
  if (!knowsAllToPrune(parts, wantedKeys)) return { results, reason: "list_failed", lines: members.failures };
  const lines = members.failures.map(unseenLine);
  record.complete(object);
  if (!mayPrune) return { results, lines };
  const pruned = await pruneAbsent({ ...parts, guard, wantedKeys }, signal);
  return { ...pruned, results: [...results, ...pruned.results], lines: [...lines, ...pruned.lines ?? []] };
}

function leftResult({ error: _, ...result }: ObjectResult): ObjectResult {
  return { ...result, action: "unchanged" };
}

/** What can't be seen is not gone; where nothing is to go, it need not be seen. */
function knowsAllToPrune({ members: { failures, away }, record }: ApplyParts, wantedKeys: readonly string[]): boolean {
  if (failures.length === 0) return true;
  const wanted = new Set(wantedKeys);
  return failures.length === away.size && record.keys().every((key) => wanted.has(key));
}

/**
 * Takes out the gates that the record has and the bundle no more, of those that refuse the bundle's own objects:
 * whatever else is not wanted waits until everything is applied, which they would never let happen.
 */
async function dropBlamed(
  parts: ApplyParts,
  blamed: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly ObjectResult[]> {
  const { kubernetes, discovery, record, request: { guard } } = parts;
  const wanted = new Set(parts.desired.map(({ key }) => key));
  const absent = record.entries().filter(([key, recorded]) => isGate(recorded) && !wanted.has(key));
  const found = await allEnded(absent, async ([key, recorded]) => {
    const member = await findRecorded({ kubernetes, discovery }, recorded, signal);
    const live = typeof member === "object" ? await kubernetes.get(member.place, signal) : undefined;
    return live !== undefined && isBlamed(live, blamed) ? [key] : [];
  });
  const dropped = new Set(found.flat());
  if (dropped.size === 0) return [];
  const wantedKeys = record.keys().filter((key) => !dropped.has(key));
  return (await pruneAbsent({ ...parts, guard, wantedKeys }, signal)).results;
}

/** What the stack waits for, alone: everything else was applied. */
function waitingLines({ going, wanted }: StagesOutcome): readonly string[] {
  return [
    ...wanted.map(([{ place }, by]) => `${objectText(objectName(place))}: ${stackText(by)} has it, or comes first`),
    ...going.map(({ one: { place }, isHolder }) =>
      isHolder
        ? `${
          objectText(objectName(place))
        } is applied later: what it is to be in is being deleted, or another stack's to make`
        : `${objectText(objectName(place))} is being deleted; it is applied anew when it is gone`
    ),
  ];
}

function differenceLines({ differing }: StagesOutcome): readonly string[] {
  if (differing === 0) return [];
  const differ = differing === 1 ? "1 object differs" : `${differing} objects differ`;
  return [`${differ} from what was applied; this stack's drift is not repaired`];
}

function yieldedIn(record: TurnRecord): readonly YieldedField[] {
  return record.entries().flatMap(([, { kind, namespace, name, yielded = [] }]) =>
    yielded.map((field) => ({ kind, ...(namespace === undefined ? {} : { namespace }), name, ...field }))
  );
}
