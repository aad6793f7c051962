import assert from "node:assert/strict";
import { PART_OF } from "../../agent/kube/names.ts";
import type { KubeObject, SimulatedCluster } from "../fakes/cluster/mod.ts";
import { COLLECTIONS, keyOf, type Slot, SLOTS, STRANGERS } from "./slots.ts";
import type { Wanted } from "./wanted.ts";

type Seen = ReadonlyMap<string, KubeObject>;

/** Sees what is in the cluster, past the agent and its faults, and knows what may not happen there. */
export class Witness {
  readonly #cluster: SimulatedCluster;
  readonly #wanted: Wanted;
  /** Uids of what was made by hand: it is never the agent's to delete. */
  readonly #madeByHand = new Set<string | undefined>();
  #seen: Seen = new Map();

  constructor(cluster: SimulatedCluster, wanted: Wanted) {
    this.#cluster = cluster;
    this.#wanted = wanted;
  }

  /** Remembers how it is after somebody's hand, before the agent has a turn. */
  async afterHand(): Promise<void> {
    const now = await this.#look();
    for (const [key, { metadata: { uid } }] of now) {
      if (this.#seen.get(key)?.metadata.uid !== uid) this.#madeByHand.add(uid);
    }
    this.#seen = now;
  }

  /** What is gone since was the agent's, and nobody's wish. */
  async afterTurns(): Promise<void> {
    const now = await this.#look();
    for (const [key, { metadata }] of this.#seen) {
      if (now.get(key)?.metadata.uid === metadata.uid) continue;
      assert.equal(this.#wantedValue(key), undefined, `${key} was deleted, and a stack wants it`);
      assert.notEqual(metadata.labels?.[PART_OF], undefined, `${key} was deleted, and was not the agent's`);
      assert.equal(this.#madeByHand.has(metadata.uid), false, `${key} was deleted, and was there before the agent`);
    }
    this.#seen = now;
  }

  /** How the cluster differs from what must be, one line each. */
  async differences(): Promise<readonly string[]> {
    const now = await this.#look();
    return [
      ...SLOTS.flatMap((slot) => this.#difference(slot, now.get(slotKey(slot)))),
      ...STRANGERS.filter((slot) => {
        const live = now.get(slotKey(slot));
        return live === undefined || slot.valueOf(live) !== "found" || isOurs(live);
      }).map((slot) => `${slotKey(slot)}, which is a stranger's, is not as it was`),
    ];
  }

  #difference(slot: Slot, live: KubeObject | undefined): readonly string[] {
    const value = this.#wanted.valueOf(slot);
    const key = slotKey(slot);
    if (value === undefined) {
      if (live === undefined) return [];
      if (isOurs(live)) return [`${key} is there, and is wanted by none`];
      return this.#madeByHand.has(live.metadata.uid) ? [] : [`${key} is nobody's, and was not made by hand`];
    }
    if (live === undefined) return [`${key} is missing`];
    if (!isOurs(live)) return [`${key} is not marked as ours`];
    const found = slot.valueOf(live);
    return found === value ? [] : [`${key} is ${found}, not ${value}`];
  }

  #wantedValue(key: string): string | undefined {
    const slot = SLOTS.find((slot) => slotKey(slot) === key);
    return slot && this.#wanted.valueOf(slot);
  }

  /** What is being deleted counts as gone. */
  async #look(): Promise<Seen> {
    const lists = await Promise.all(COLLECTIONS.map((path) => this.#cluster.read(path)));
    const objects = lists.flatMap((list, at) =>
      (list?.items as unknown as KubeObject[] ?? []).map((object) => ({ ...object, kind: SHAPE_KINDS[at] ?? "" }))
    );
    const live = objects.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return new Map(live.map((object) => [keyOf(object), object]));
  }
}

const SHAPE_KINDS = [...new Set(SLOTS.map(({ kind }) => kind))];

function slotKey({ kind, name }: Slot): string {
  return `${kind}/${name}`;
}

function isOurs({ metadata }: KubeObject): boolean {
  return metadata.labels?.[PART_OF] !== undefined;
}
