import { unlessAborted } from "$lib/clock.ts";
import { messageOf } from "$lib/error.ts";
import { type ApiResource, isRefused, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import { type Discovery, listAnyVersion } from "../discovery.ts";
import { isAway } from "../records/members.ts";
import { MemberMeta, type MemberMetaParts, sharedTexts } from "../records/member_meta.ts";
import { type GroupKind, groupKindText, PART_OF } from "../names.ts";

/** What there is of one kind, split by set. */
export interface SweptKind {
  /** By the set's id; a set of which there is nothing is not in it. */
  readonly members: ReadonlyMap<string, readonly MemberMeta[]>;
  /** Why nobody knows what there is, naming the kind: then nothing of it is gone because it is not in `members`. */
  readonly failure?: string;
  /** Whether that is because what is behind its type does not answer: {@linkcode isAway}. */
  readonly isAway?: boolean;
}

/** One look at everything that carries a set's label: each kind is listed at most once, whoever asks and how often. */
export interface Sweep {
  /** Never rejects but by `signal`, which ends the waiting of this one alone. */
  list(groupKind: GroupKind, signal: AbortSignal): Promise<SweptKind>;
}

/** What sweeps are made of. */
export interface SweepParts extends Pick<MemberMetaParts, "hasFoldable"> {
  readonly kubernetes: Pick<Kubernetes, "listMetadata">;
  readonly discovery: Pick<Discovery, "findAnyVersion" | "forget" | "isGone">;
  /**
   * Where objects of a kind are recorded: there they are listed, one namespace at a time, if not in the whole cluster.
   */
  readonly namespacesOf: (groupKind: GroupKind) => readonly string[];
}

/** Begins sweeps: one for each resync, shared by all its turns, and dropped with them. */
export function createSweep(parts: SweepParts): { begin(signal: AbortSignal): Sweep } {
  return { begin: (signal) => new OneSweep(parts, signal) };
}

/** The selector of whatever carries a set's label. */
export const ANY_SET = PART_OF;

class OneSweep implements Sweep {
  readonly #parts: SweepParts;
  readonly #signal: AbortSignal;
  readonly #kinds = new Map<string, Promise<SweptKind>>();
  readonly #shared = sharedTexts();

  constructor(parts: SweepParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  async list(groupKind: GroupKind, signal: AbortSignal): Promise<SweptKind> {
    const name = groupKindText(groupKind);
    const listed = this.#kinds.get(name) ?? this.#tryList(groupKind);
    this.#kinds.set(name, listed);
    return await unlessAborted(listed, signal);
  }

  async #tryList(groupKind: GroupKind): Promise<SweptKind> {
    try {
      const bySet = Map.groupBy(await this.#list(groupKind), ({ setId }) => setId);
      return { members: new Map([...bySet].map(([setId, found]) => [setId, found.map(({ member }) => member)])) };
    } catch (error) {
      const failure = `${groupKindText(groupKind)}: ${messageOf(error)}`;
      return { members: new Map(), failure, isAway: isAway(error, groupKind) };
    }
  }

  async #list(groupKind: GroupKind): Promise<readonly Found[]> {
    const { discovery, namespacesOf } = this.#parts;
    const list = (resource: ApiResource) => this.#listIn(resource, namespacesOf(groupKind));
    return await listAnyVersion(discovery, { groupKind, list }, this.#signal) ?? [];
  }

  async #listIn(resource: ApiResource, namespaces: readonly string[]): Promise<readonly Found[]> {
    try {
      return await this.#listOne(resource);
    } catch (error) {
      if (!resource.namespaced || !isRefused(error, 403)) throw error;
      return (await Promise.all(namespaces.map((namespace) => this.#listOne(resource, namespace)))).flat();
    }
  }

  async #listOne(resource: ApiResource, namespace?: string): Promise<readonly Found[]> {
    const { kubernetes, hasFoldable } = this.#parts;
    const parts = { hasFoldable, shared: this.#shared };
    const pick = (object: KubernetesObject): Found => ({
      setId: this.#shared(object.metadata.labels?.[PART_OF] ?? ""),
      member: new MemberMeta(resource, object, parts),
    });
    const options = { ...(namespace === undefined ? {} : { namespace }), labelSelector: ANY_SET, signal: this.#signal };
    return (await kubernetes.listMetadata(resource, { ...options, pick })).items;
  }
}

interface Found {
  readonly setId: string;
  readonly member: MemberMeta;
}
