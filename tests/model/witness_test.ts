import assert from "node:assert/strict";
import { OWNER_ID, PART_OF, STACK } from "../../agent/kube/names.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import type { Served } from "./api_gate.ts";
import { Witness } from "./witness.ts";

const [KIND, NAMESPACE, NAME] = ["ConfigMap", "model", "one-0"];
const PLACE = `${KIND}/${NAMESPACE}/${NAME}`;
const UID = "uid";
const EPOCH = "7f3b1a52-4d0e-4c58-9b53-1d5f0c7d8c11";

/** A witness, and what it sees of one object. */
class Seen {
  /** What a list of any kind shows. */
  there: readonly KubernetesObject[] = [];
  readonly clock = { leaps: 0 };
  readonly #wants = { by: undefined as string | undefined };
  readonly #witness = new Witness({
    hand: { list: () => Promise.resolve(this.there) },
    clock: this.clock,
    wanted: {
      places: () => new Map(),
      objectValues: () => undefined,
      placesOfSnapshot: () => new Map(this.#wants.by === undefined ? [] : [[PLACE, this.#wants.by]]),
    },
  });
  #revision = 0;

  /** The agent hears of a snapshot in which this stack, or none, wants the object. */
  learns(by: string | undefined): void {
    this.#wants.by = by;
    this.#revision += 1;
    const snapshot = { epoch: EPOCH, revision: this.#revision, complete: true, paused: false, prune_approved: null };
    const text = JSON.stringify({ ...snapshot, stacks: [] });
    this.#witness.onHeard({ method: "GET", path: "/snapshot", body: undefined }, { status: 200, text });
    this.clock.leaps += 1;
  }

  /** The agent writes this stack's marks on the object. */
  takes(stack: string): void {
    const marks = { labels: { [PART_OF]: "set" }, annotations: { [OWNER_ID]: "agent", [STACK]: stack } };
    this.#serve("patch", { metadata: { name: NAME, namespace: NAMESPACE, uid: UID, ...marks } });
    this.clock.leaps += 1;
  }

  /** The object is deleted by a request that came when time had moved so often; what is found amiss in that. */
  isDeleted(leap = this.clock.leaps): readonly string[] {
    this.#serve("delete", { kind: "Status", details: { uid: UID } }, leap);
    return this.#witness.takeFaults();
  }

  isAnythingLeaving(): Promise<boolean> {
    return this.#witness.isAnythingLeaving();
  }

  #serve(verb: string, body: unknown, leap = this.clock.leaps): void {
    const asked = { verb, method: "", path: "", query: "", userAgent: "", user: "", groups: [], contentType: "" };
    const facts = { ...asked, resource: "configmaps", namespace: NAMESPACE, name: NAME, isDryRun: false };
    this.#witness.onServed({ facts, leap, status: 200, body: body as Served["body"] });
  }
}

/** Stack "a" has the object, and wants it no more. */
function dropped(): Seen {
  const seen = new Seen();
  seen.learns("a");
  seen.takes("a");
  seen.learns(undefined);
  return seen;
}

Deno.test("a deletion is judged by what was known when it was sent, not by what came while it was on its way", () => {
  const [late, early] = [dropped(), dropped()];
  const sent = late.clock.leaps;
  for (const seen of [late, early]) seen.learns("b");

  assert.deepEqual(late.isDeleted(sent), []);
  assert.deepEqual(early.isDeleted(), [`${PLACE} was deleted, and a stack wants it in the snapshot of revision 3`]);
});

Deno.test("a deletion on its way may not hit what another stack has taken over meanwhile, and wants", () => {
  const seen = dropped();
  const sent = seen.clock.leaps;
  seen.learns("b");
  seen.takes("b");

  assert.deepEqual(seen.isDeleted(sent), [`${PLACE} was deleted, although stack b had taken it over meanwhile`]);
});

Deno.test("what was never the agent's may not be deleted by it", () => {
  const seen = new Seen();
  seen.learns(undefined);

  assert.deepEqual(seen.isDeleted(), [`${PLACE} was deleted, and was not the agent's`]);
});

Deno.test("what is being deleted, and is there still, is waited for", async () => {
  const seen = new Seen();
  const metadata = { name: NAME, namespace: NAMESPACE };
  const object = { apiVersion: "v1", kind: KIND, metadata };

  assert.equal(await seen.isAnythingLeaving(), false);
  seen.there = [object];
  assert.equal(await seen.isAnythingLeaving(), false);
  seen.there = [object, { ...object, metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }];
  assert.equal(await seen.isAnythingLeaving(), true);
});
