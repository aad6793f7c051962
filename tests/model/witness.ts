import { PART_OF, STACK } from "../../agent/kube/names.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { NewAgentEvent, type ObjectResult } from "$lib/wire/event.ts";
import { Snapshot } from "$lib/wire/snapshot.ts";
import type { ClusterHand } from "../system/cluster_hand.ts";
import type { Served } from "./api_gate.ts";
import type { AskedBroker } from "./broker_gate.ts";
import type { IdleClock } from "./idle_clock.ts";
import { candidateAt, COLLECTIONS, kindOf, NAMESPACES, placeOf } from "./candidates.ts";
import type { Wanted } from "./wanted.ts";

/** What is in the cluster, by place; what is being deleted counts as gone. */
export type Seen = ReadonlyMap<string, KubernetesObject>;

/** A snapshot that the agent has whole. */
interface Heard {
  readonly leap: number;
  /** What is wanted, with the stack that wants it. */
  readonly places: ReadonlyMap<string, string>;
  readonly revision: number;
}

/** What a witness watches. */
export interface WitnessParts {
  readonly hand: Pick<ClusterHand, "list">;
  readonly wanted: Pick<Wanted, "places" | "placesOfSnapshot" | "objectValues">;
  readonly clock: Pick<IdleClock, "leaps">;
}

/** How much of what was seen is kept. */
const TRACE_MAX = 400;

/** Sees every request of the agent's, and what is in the cluster, and knows what may not happen there. */
export class Witness {
  readonly #parts: WitnessParts;
  /** Uids of what was made by hand: it is never the agent's to delete. */
  readonly #madeByHand = new Set<string>();
  /** By uid, of what the agent wrote its marks on, the stack that they name, and since when they name that one. */
  readonly #holders = new Map<string, { readonly stackId: string; readonly leap: number }>();
  /** Every value that an object ever had, by place. */
  readonly #values = new Map<string, Set<unknown>>();
  /** What the agent's process did to a place. */
  #acts = new Map<string, Set<string>>();
  #heard: Heard[] = [];
  /**
   * The revision that the agent knows, while a database that is older was put in its place and nobody accepted that.
   */
  #older: number | undefined;
  #isOnHold = false;
  /** Whether a database was restored since the last settling: what was said of that may come late. */
  #isRestored = false;
  /** Places that were wanted by every snapshot since the last settling. */
  #kept: Map<string, string> | undefined;
  readonly #touched = new Set<string>();
  readonly #faults: string[] = [];
  readonly #trace: string[] = [];

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** What was seen that may not be, since the last call. */
  takeFaults(): readonly string[] {
    return this.#faults.splice(0);
  }

  /** What was seen last, for whoever reads how it came to a failure. */
  get trace(): readonly string[] {
    return this.#trace;
  }

  /** The agent's process is another one: it remembers nothing. */
  newLife({ isPushed }: { readonly isPushed: boolean }): void {
    this.#log(`the agent starts${isPushed ? ", and hears of changes at once" : ""}`);
    this.#heard = [];
    this.#acts = new Map();
  }

  madeByHand(uid: string | undefined): void {
    if (uid !== undefined) this.#madeByHand.add(uid);
  }

  isMadeByHand({ metadata: { uid } }: KubernetesObject): boolean {
    return uid !== undefined && this.#madeByHand.has(uid);
  }

  /** An older database is in place of the one of which the agent knows this revision. */
  restored(known: number): void {
    this.#older = Math.max(known, this.#older ?? 0);
    this.#isRestored = true;
  }

  /** A person accepted the database. */
  accepted(): void {
    this.#older = undefined;
    this.#isOnHold = false;
  }

  /** Somebody's hand changed what is there: it is not put right where the policy says so. */
  touched(place: string): void {
    this.#touched.add(place);
  }

  /** By somebody's hand a place has another object: no uid is kept there. */
  handled(place: string): void {
    this.#touched.add(place);
    this.#kept?.delete(place);
  }

  /** Whether somebody's hand was there since all was put right. */
  isTouched(place: string): boolean {
    return this.#touched.has(place);
  }

  /** What somebody's hand did is put right everywhere. */
  forgetTouched(): void {
    this.#touched.clear();
  }

  /** From here on uids of what stays wanted must stay. */
  keepFrom(seen: Seen): void {
    const wanted = this.#parts.wanted.places();
    const kept = [...seen].filter(([place, object]) =>
      wanted.has(place) && isOurs(object) && !candidateAt(place)?.isReplaced
    );
    this.#isRestored = this.#older !== undefined;
    this.#kept = new Map(kept.map(([place, { metadata: { uid = "" } }]) => [place, uid]));
  }

  /** Objects that are not what they were, although they were wanted all the time. */
  changedUids(seen: Seen): readonly string[] {
    return [...this.#kept ?? []].flatMap(([place, uid]) => {
      const live = seen.get(place);
      return live === undefined || live.metadata.uid === uid
        ? []
        : [`${place} was made anew, and was wanted all the time`];
    });
  }

  readonly onServed = ({ facts, leap, status, body }: Served): void => {
    const kind = kindOf(facts.resource);
    const { namespace = "", name = body?.metadata?.name ?? "", verb, isDryRun, subresource } = facts;
    if (kind === undefined || isDryRun || subresource !== undefined) return;
    if (!(NAMESPACES as readonly string[]).includes(namespace)) return;
    const place = placeOf({ kind, name }, namespace);
    if (verb !== "get" && verb !== "list") this.#log(`${verb} ${place}: ${status}`);
    if (verb === "delete") return this.#deleted(place, { leap, status, body });
    if (status >= 300 || body === undefined || (verb !== "patch" && verb !== "create")) return;
    const object = body as unknown as KubernetesObject;
    this.#act(place, status === 201 ? "created" : "configured");
    this.#note(place, object);
    if (isOurs(object)) this.#has(object);
    else this.#act(place, "kept");
  };

  /** Hears what the agent says, before the broker does. */
  readonly onAsked = ({ method, path, body }: AskedBroker): void => {
    if (method !== "POST" || !path.endsWith("/events") || body === undefined) return;
    const event = NewAgentEvent.parse(JSON.parse(body));
    const what = `stack ${event.stack_id} is reported ${event.state} (${event.reason ?? ""})`;
    this.#log(`${what}: ${event.message?.split("\n").join("; ")}`);
    if (event.state === "applied") this.#applied(event.deployment_object_id, what);
    if (event.reason === "invalid_bundle") this.#faults.push(`${what}: ${event.message}`);
    if (event.reason === "internal") this.#faults.push(`${what}: ${event.message}`);
    if (event.reason === "epoch_hold" && !this.#isRestored) {
      this.#faults.push(`${what}, and no database was restored`);
    }
    event.results?.forEach((result) => this.#result(result, what));
  };

  readonly onHeard = ({ path }: AskedBroker, { status, text }: { status: number; text: string }): void => {
    if (!path.endsWith("/snapshot") || status !== 200) return;
    const snapshot = Snapshot.parse(JSON.parse(text));
    const places = this.#parts.wanted.placesOfSnapshot(snapshot);
    this.#log(`snapshot ${snapshot.revision} wants ${[...places.keys()].join(" ")}`);
    this.#heard.push({ leap: this.#parts.clock.leaps, places, revision: snapshot.revision });
    this.#kept?.forEach((_, place) => places.has(place) || this.#kept?.delete(place));
    if (this.#older !== undefined && snapshot.revision < this.#older) this.#isOnHold = true;
  };

  /** What is in the cluster, past the agent and its faults. */
  async look(): Promise<Seen> {
    const live = (await this.#list()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const seen = new Map(
      live.map((
        object,
      ) => [placeOf({ kind: object.kind, name: object.metadata.name }, object.metadata.namespace ?? ""), object]),
    );
    seen.forEach((object, place) => this.#note(place, object));
    return seen;
  }

  /** Whether something is being deleted, and is there still. */
  async isAnythingLeaving(): Promise<boolean> {
    return (await this.#list()).some(({ metadata }) => metadata.deletionTimestamp !== undefined);
  }

  async #list(): Promise<readonly KubernetesObject[]> {
    const lists = await Promise.all(COLLECTIONS.map(async ({ kind, path }) => {
      return (await this.#parts.hand.list(path)).map((object) => ({ ...object, kind }));
    }));
    return lists.flat();
  }

  #log(what: string): void {
    this.#trace.push(`${this.#parts.clock.leaps} ${what}`);
    if (this.#trace.length > TRACE_MAX) this.#trace.shift();
  }

  #note(place: string, object: KubernetesObject): void {
    const values = this.#values.get(place) ?? new Set();
    this.#values.set(place, values.add(candidateAt(place)?.valueOf(object)));
  }

  #has({ metadata: { uid = "", annotations } }: KubernetesObject): void {
    const stackId = annotations?.[STACK] ?? "";
    if (this.#holders.get(uid)?.stackId !== stackId) {
      this.#holders.set(uid, { stackId, leap: this.#parts.clock.leaps });
    }
  }

  #act(place: string, what: string): void {
    this.#acts.set(place, (this.#acts.get(place) ?? new Set()).add(what));
  }

  /** What is gone by the agent was the agent's, and nobody's wish in the last snapshot that it has. */
  #deleted(place: string, { leap, status, body }: Pick<Served, "leap" | "status" | "body">): void {
    if (status === 404 || status < 300) this.#act(place, "deleted");
    if (status >= 300) return;
    const details = (body as unknown as { details?: { uid?: string } })?.details;
    const uid = details?.uid ?? body?.metadata?.uid ?? "";
    const known = this.#known(leap);
    if (known.length === 0) this.#faults.push(`${place} was deleted, and no snapshot was heard of`);
    else if (known.every(({ places }) => places.has(place)) && !candidateAt(place)?.isReplaced) {
      this.#faults.push(
        `${place} was deleted, and a stack wants it in the snapshot of revision ${known.at(-1)?.revision}`,
      );
    }
    const holder = this.#holders.get(uid);
    if (holder === undefined) this.#faults.push(`${place} was deleted, and was not the agent's`);
    else if (holder.leap > leap && this.#heard.at(-1)?.places.get(place) === holder.stackId) {
      this.#faults.push(`${place} was deleted, although stack ${holder.stackId} had taken it over meanwhile`);
    }
    if (this.#madeByHand.has(uid)) this.#faults.push(`${place} was deleted, and was there before the agent`);
    if (this.#isOnHold) this.#faults.push(`${place} was deleted, and the database is one that nobody accepted`);
  }

  /** What a request of then acts on: the last snapshot of before, or what came at the same time. */
  #known(leap: number): readonly Heard[] {
    const heard = this.#heard.filter((one) => one.leap <= leap);
    return heard.slice(Math.max(0, heard.findLastIndex((one) => one.leap < leap)));
  }

  /** What is said to be applied was there: it may be another's since. */
  #applied(objectId: string | undefined, what: string): void {
    const values = this.#parts.wanted.objectValues(objectId ?? "");
    if (values === undefined) this.#faults.push(`${what} with a deployment object that nobody submitted`);
    for (const [candidate, value] of values ?? []) {
      const was = NAMESPACES.some((namespace) => this.#values.get(placeOf(candidate, namespace))?.has(value));
      if (!was) this.#faults.push(`${what}, and ${candidate.kind}/${candidate.name} never had ${value}`);
    }
  }

  #result({ kind, namespace = "", name, action }: ObjectResult, what: string): void {
    const acts = this.#acts.get(placeOf({ kind, name }, namespace));
    const expected = action === "replaced" ? "created" : action;
    if (!["created", "configured", "deleted", "kept"].includes(expected) || acts?.has(expected)) return;
    this.#faults.push(`${what} with ${kind}/${namespace}/${name} ${action}, which it was not`);
  }
}

/** Whether an object has the agent's marks. */
export function isOurs({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[PART_OF] !== undefined;
}
