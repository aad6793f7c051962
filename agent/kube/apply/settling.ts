import type { Clock } from "$lib/clock.ts";
import type { Kubernetes, KubernetesObject } from "$lib/kubernetes.ts";
import { type Backoff, backoffMs } from "$lib/retry.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { allEnded } from "../all_ended.ts";
import { type Desired, objectName } from "../desired.ts";
import type { Discovery } from "../discovery.ts";
import { type GroupKind, groupKindText } from "../names.ts";
import { isAway } from "../records/members.ts";
import { type Patience, type WaitingParts, whatRemains } from "./remaining.ts";

/** What waiting for what a stage brought needs. */
export interface SettlingParts extends WaitingParts {
  readonly kubernetes: Kubernetes;
  readonly discovery: Discovery;
}

/**
 * How often something is tried that was refused while the API server may not have heard yet of what was just written.
 */
export const UNSETTLED_TRIES = 5;
const UNSETTLED_BACKOFF: Backoff = { minMs: 200, maxMs: 2_000 };

/** Waits before the next of {@linkcode UNSETTLED_TRIES}, after so many; rejects with the signal's reason. */
export async function pauseUnsettled(clock: Clock, tries: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(backoffMs(tries, UNSETTLED_BACKOFF), signal);
}

const INTERVAL_MS = 200;
const TIMEOUT_MS = 30_000;

/** A kind of object that later stages need in force, and how that is known. */
interface Settled {
  readonly isReady: (object: KubernetesObject, parts: SettlingParts, signal: AbortSignal) => boolean | Promise<boolean>;
  /** Why waiting is in vain; undefined while it is not. */
  readonly whyNever?: (object: KubernetesObject) => string | undefined;
  readonly error: string;
}

const SETTLED: ReadonlyMap<string, Settled> = new Map([
  ["CustomResourceDefinition.apiextensions.k8s.io", {
    isReady: async (object, parts, signal) =>
      isEstablished(object.status as DefinitionStatus | undefined) && await isDiscovered(object, parts, signal),
    whyNever: refusedNames,
    error: "it is not Established and in discovery after 30 s",
  }],
  ["ResourceQuota", {
    isReady: ({ spec, status }) => sameAmounts(hardOf(spec), hardOf(status)),
    error: "its limits are not in force after 30 s",
  }],
]);

/**
 * Waits until definitions are Established, and quotas in force, of those brought.
 *
 * @returns A failed result for each object for which that did not happen within 30 s, or never will.
 */
export async function waitUntilSettled(
  parts: SettlingParts,
  brought: readonly Desired[],
  signal: AbortSignal,
): Promise<readonly ObjectResult[]> {
  const awaited = brought.filter(({ groupKind }) => SETTLED.has(groupKindText(groupKind)));
  const inVain = new Map<Desired, string>();
  const isReady = async (one: Desired) => {
    const live = await parts.kubernetes.get(one.place, signal);
    const settled = SETTLED.get(groupKindText(one.groupKind));
    if (live === undefined || settled === undefined) return false;
    const why = settled.whyNever?.(live);
    if (why !== undefined) inVain.set(one, why);
    return why !== undefined || await settled.isReady(live, parts, signal);
  };
  const late = await remaining(parts, awaited, { until: "in force", signal, isReady });
  const errors = new Map([
    ...late.map((one) => [one, SETTLED.get(groupKindText(one.groupKind))?.error] as const),
    ...inVain,
  ]);
  return [...errors].map(([{ place }, error]) => ({ ...objectName(place), action: "failed", error }));
}

/**
 * Waits until the API server serves the types of these objects.
 *
 * @returns Those of types that it does not serve after 30 s.
 */
export async function waitForTypes(
  parts: SettlingParts,
  desired: readonly Desired[],
  signal: AbortSignal,
): Promise<readonly Desired[]> {
  return await remaining(parts, desired, {
    until: "served",
    signal,
    isReady: async ({ groupKind, place: { resource: { apiVersion, kind } } }) =>
      await unlessAway(groupKind, parts.discovery.find(apiVersion, kind, signal)) !== undefined,
  });
}

interface Waiting extends Pick<Patience, "until" | "signal"> {
  readonly isReady: (one: Desired) => Promise<boolean>;
}

async function remaining(
  parts: SettlingParts,
  things: readonly Desired[],
  { isReady, ...waiting }: Waiting,
): Promise<readonly Desired[]> {
  const look = async (left: readonly Desired[]) => {
    const ready = await allEnded(left, isReady);
    return left.filter((_, index) => !ready[index]);
  };
  return await whatRemains(parts, { things, look }, { ...waiting, intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS });
}

interface DefinitionSpec {
  readonly group: string;
  readonly names: { readonly kind: string } & Readonly<Record<string, unknown>>;
  readonly versions: readonly { readonly name: string; readonly served: boolean }[];
}

/**
 * Whether discovery names just the versions that the definition serves: by another one nothing would be found there.
 */
async function isDiscovered(
  { spec }: KubernetesObject,
  { discovery }: SettlingParts,
  signal: AbortSignal,
): Promise<boolean> {
  const { group, names: { kind }, versions } = spec as DefinitionSpec;
  const serving = new Set(await unlessAway({ group, kind }, discovery.servedVersions({ group, kind }, signal)));
  const wanted = new Set(versions.filter(({ served }) => served).map(({ name }) => `${group}/${name}`));
  return serving.symmetricDifference(wanted).size === 0;
}

/** Undefined where another server, which does not answer, has a version of the group: that may pass. */
async function unlessAway<T>(groupKind: GroupKind, found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (!isAway(error, groupKind)) throw error;
    return undefined;
  }
}

/**
 * What the API server says of names that another definition has: nothing but a change of one of the two ends that. What
 * it said of names that the definition has no more is not its last word.
 */
function refusedNames({ spec, status }: KubernetesObject): string | undefined {
  const { names } = spec as DefinitionSpec;
  const { conditions } = status as DefinitionStatus | undefined ?? {};
  const refused = conditions?.find(({ type, status }) => type === "NamesAccepted" && status === "False");
  const { reason = "NamesNotAccepted", message = "" } = refused ?? {};
  const isSaidOfThese = Object.values(names).flat().some((name) => message.includes(JSON.stringify(name)));
  return refused && isSaidOfThese ? `its names are not accepted: ${reason}: ${message}` : undefined;
}

/** What a CustomResourceDefinition says of how far it is. */
export interface DefinitionStatus {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

/** Whether the API server has taken the type on, so that there can be objects of it. */
export function isEstablished(status: DefinitionStatus | undefined): boolean {
  return status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false;
}

type Amounts = Readonly<Record<string, unknown>>;

function hardOf(part: unknown): Amounts {
  return (part as { readonly hard?: Amounts } | undefined)?.hard ?? {};
}

function sameAmounts(wanted: Amounts, inForce: Amounts): boolean {
  return Object.entries(wanted).every(([name, amount]) => String(inForce[name]) === String(amount));
}
