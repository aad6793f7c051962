import type { StackRecord } from "../plan/record.ts";
import type { HeldBundle } from "./reading/bundles.ts";
import { type Resolved, resolveDesired } from "./desired.ts";
import { objectKey, type SetIdentity } from "./names.ts";
import type { ReconcileRequest, TurnParts } from "./reconcile.ts";
import { reservedFaults } from "./reading/reserved.ts";
import { asStack } from "./stack_doors.ts";

/** Which bundle of a stack, and what is known of the stack. */
export interface WantedRequest {
  readonly request: Pick<ReconcileRequest, "stack" | "object" | "defaultNamespace" | "stepAside">;
  readonly set: SetIdentity;
  readonly before: StackRecord | undefined;
}

/** A bundle that was read, held until it is disposed of, and what it wants in this cluster. */
export interface WantedBundle extends Resolved, HeldBundle {
  /** Everything for which the bundle as a whole is refused. */
  readonly faults: readonly string[];
  /** What it wants; where it is refused, what its stack has, too. */
  readonly keys: readonly string[];
}

/** Reads a stack's bundle, and says to all others what it wants: until that is known, they delete nothing. */
export async function readWanted(
  turn: TurnParts,
  { request, set, before }: WantedRequest,
  signal: AbortSignal,
): Promise<WantedBundle> {
  const { stack, object, defaultNamespace = turn.defaultNamespace, stepAside } = request;
  const held = await turn.bundles.take(object.checksum, { load: () => object.load(signal), stepAside, signal });
  using untilRead = new DisposableStack();
  untilRead.use(held);
  const { bundle } = held;
  const resolved = await resolveDesired(bundle.manifests, { ...turn, defaultNamespace, set }, signal);
  const ownPod = await turn.ownPod.among(resolved.desired, signal);
  const faults = [...bundle.faults, ...reservedFaults(resolved.desired, { ...turn, ownPod })];
  const recorded = faults.length === 0 ? [] : (before?.objects ?? []).map((one) => objectKey(one, one));
  const keys = [...new Set([...keysOf(resolved), ...recorded])];
  if (faults.length === 0 || before?.unreadable === undefined) {
    turn.claims.know(stack.id, { deploymentObjectId: object.id, keys });
  }
  const ending = untilRead.move();
  return { ...resolved, bundle, faults, keys, [Symbol.dispose]: () => ending.dispose() };
}

function keysOf({ desired, refusals }: Resolved): readonly string[] {
  return [...desired.map(({ key }) => key), ...refusals.flatMap(({ keys }) => keys)];
}

/**
 * Finds out what a stack wants for which nothing is done: it is suspended.
 *
 * @throws {Failure} when its bundle can't be had, or the API server can't be asked.
 */
export async function learnWanted(
  parts: TurnParts,
  request: WantedRequest["request"],
  signal: AbortSignal,
): Promise<void> {
  const { stack } = request;
  const before = await parts.records.find(stack.id, signal);
  const set = await parts.records.setOf(stack.id);
  using _wanted = await readWanted(asStack(parts, stack, before), { request, set, before }, signal);
}
