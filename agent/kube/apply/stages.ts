import type { Clock } from "$lib/clock.ts";
import type { ObjectAction, ObjectResult } from "$lib/wire/event.ts";
import { allEnded } from "../all_ended.ts";
import { type Desired, objectName, type StagedRefusal } from "../desired.ts";
import type { Discovery } from "../discovery.ts";
import type { Going, JudgeParts, Write } from "./judge.ts";
import { giversAmong, isRefusal } from "./givers.ts";
import { blamedGates, isBlamed, isGate } from "./gates.ts";
import { judgeAll, type Judged } from "./judge_all.ts";
import { namesakesIn } from "./namesakes.ts";
import { decidesAdmission, holdsObjects, STAGES } from "./order.ts";
import { waitForTypes, waitUntilSettled } from "./settling.ts";
import { performWrites } from "./writes.ts";

/** What bringing a bundle's objects needs. */
export interface StagesParts extends JudgeParts {
  readonly clock: Clock;
  readonly discovery: Discovery;
  /** Hears what was done to each object, when it is done: a turn that is given up has no end to count at. */
  readonly acted: (action: ObjectAction) => void;
  /** The bundle was tried before, and not brought: what an earlier try wrote is waited for once more. */
  readonly isRetry: boolean;
  /** Takes out what the stack put before the API server and wants no more, of these webhooks and policies. */
  readonly dropGates: (blamed: ReadonlySet<string>, signal: AbortSignal) => Promise<readonly ObjectResult[]>;
}

/** What came of a bundle's objects. */
export interface StagesOutcome {
  /** Refused and failed ones too; where nothing may be written, those that differ name the fields. */
  readonly results: readonly ObjectResult[];
  /** Something was refused: nothing of that stage, nor of a later one, was written. */
  readonly isRefused: boolean;
  /** Something was tried and failed: what comes after it was not tried. */
  readonly isFailed: boolean;
  /** Objects that are being deleted, or what they would be in: they are applied when that is gone; the rest went on. */
  readonly going: readonly Going[];
  /** Objects that another stack has, or is to have first, and that stack's name; the rest went on. */
  readonly wanted: readonly (readonly [one: Desired, by: string])[];
  /** How many objects differ and may not be written. */
  readonly differing: number;
}

/**
 * Brings a bundle's objects stage by stage: each a dry run of all, then the writes, then a wait for what others need.
 */
export async function bringStages(
  parts: StagesParts,
  { desired, refusals }: { readonly desired: readonly Desired[]; readonly refusals: readonly StagedRefusal[] },
  signal: AbortSignal,
): Promise<StagesOutcome> {
  const run = new StagesRun(parts, desired);
  for (const stage of STAGES.keys()) {
    const refused = refusals.filter((refusal) => refusal.stage === stage).map(({ result }) => result);
    await run.bring(desired.filter((one) => one.stage === stage), refused, signal);
    if (run.outcome.isFailed) break;
  }
  return run.outcome;
}

/**
 * The API server says so of what lacks its namespace, its type, or the rights that an earlier stage would have brought.
 */
const FOR_WANT_OF_A_STAGE: readonly (number | undefined)[] = [403, 404];

const IN_GOING = { is: "going", isHolder: true } as const;

class StagesRun {
  readonly #parts: StagesParts;
  readonly #ofNewTypes: readonly Desired[];
  readonly #gates: readonly Desired[];
  readonly #namesakes: ReadonlyMap<string, Desired>;
  /** Gates that were written before their stage. */
  readonly #mended = new Set<string>();
  readonly #results: ObjectResult[] = [];
  readonly #going: Going[] = [];
  readonly #wanted: (readonly [Desired, string])[] = [];
  readonly #forbidden: string[] = [];
  #isRefused = false;
  #isFailed = false;
  #isUnsettled = false;
  #differing = 0;

  /** @param desired The whole bundle. */
  constructor(parts: StagesParts, desired: readonly Desired[]) {
    this.#parts = parts;
    this.#ofNewTypes = desired.filter(isOfNewType);
    this.#gates = desired.filter(({ groupKind }) => isGate(groupKind));
    const { members, record } = parts;
    this.#namesakes = namesakesIn(desired, (key) => members.byKey.get(key)?.meta.uid ?? record.get(key)?.uid);
  }

  get outcome(): StagesOutcome {
    return {
      results: this.#results,
      isRefused: this.#isRefused,
      isFailed: this.#isFailed,
      going: this.#going,
      wanted: this.#wanted,
      differing: this.#differing,
    };
  }

  async bring(desired: readonly Desired[], refused: readonly ObjectResult[], signal: AbortSignal): Promise<void> {
    const [later, first] = [desired.filter(this.#isNamesake), desired.filter((one) => !this.#isNamesake(one))];
    await this.#bring(first, refused, signal);
    if (later.length === 0 || this.#isFailed) return;
    const twins = new Set(await this.#twinsAmong(later, signal));
    await this.#bring(
      later.filter((one) => !twins.has(one)),
      [...twins].map((one) => this.#refusalOfTwin(one)),
      signal,
    );
  }

  readonly #isNamesake = ({ key }: Desired) => this.#namesakes.has(key);

  /** Those that are an object of this bundle under a second name: its uid tells. */
  async #twinsAmong(desired: readonly Desired[], signal: AbortSignal): Promise<readonly Desired[]> {
    const { kubernetes, record } = this.#parts;
    const found = await allEnded(desired, async (one) => {
      const earlier = this.#namesakes.get(one.key);
      const uid = earlier && record.get(earlier.key)?.uid;
      const live = uid === undefined ? undefined : await kubernetes.get(one.place, signal);
      return live !== undefined && live.metadata.uid === uid ? [one] : [];
    });
    return found.flat();
  }

  #refusalOfTwin(one: Desired): ObjectResult {
    const error = `${one.source}: the bundle has this object twice, under two groups: it is that of ${
      this.#namesakes.get(one.key)?.source
    }`;
    return { ...objectName(one.place), action: "failed", error };
  }

  async #bring(desired: readonly Desired[], refused: readonly ObjectResult[], signal: AbortSignal): Promise<void> {
    const served = await this.#withTypes(desired, signal);
    if (this.#isFailed) return;
    const first = await this.#judge(served.filter(({ key }) => !this.#mended.has(key)), signal);
    const unsorted = refused.length > 0 ? first : await this.#afterGivers(first, signal);
    if (this.#isFailed) return;
    const judged = unsorted.map((one) => this.#lacksHolder(one) ? { ...one, verdict: IN_GOING } : one);
    judged.forEach((one) => this.#noteWaiting(one));
    this.#noteForbidden(judged);
    const refusals = [...refused, ...judged.flatMap((one) => this.#refusalOf(one))];
    this.#add(refusals);
    if (this.#isRefused) return;
    this.#isRefused = refusals.length > 0;
    if (this.#isRefused) return;
    judged.forEach((one) => this.#settle(one));
    if (!this.#parts.mayWrite) return;
    await this.#write(judged.flatMap(({ verdict }) => verdict.is === "write" ? [verdict.write] : []), signal);
    if (!this.#isFailed) await this.#waitFor(judged.filter((one) => this.#isAwaited(one)), signal);
  }

  /** Where what this stack itself put before the API server stands in the way, its new version is written first. */
  async #judge(desired: readonly Desired[], signal: AbortSignal): Promise<readonly Judged[]> {
    const judged = await judgeAll({ ...this.#parts, isUnsettled: this.#isUnsettled }, desired, signal);
    const blamed = blamedGates(judged);
    if (blamed.size === 0 || this.#isRefused || !this.#parts.mayWrite) return judged;
    if (!await this.#mendGates(blamed, signal)) return judged;
    this.#isUnsettled = true;
    return await judgeAll({ ...this.#parts, isUnsettled: true }, desired, signal);
  }

  /**
   * Where objects are refused for the want of what others of the bundle have and give up, or bring, those are changed
   * first, in whatever order the bundle has them; what was refused is asked about again.
   *
   * @returns Without those that are written by now.
   */
  async #afterGivers(judged: readonly Judged[], signal: AbortSignal): Promise<readonly Judged[]> {
    const { kubernetes, mayWrite } = this.#parts;
    if (this.#isRefused || this.#isFailed || !mayWrite || !judged.some(isRefusal)) return judged;
    const givers = await giversAmong(kubernetes, judged, signal);
    if (givers.length === 0) return judged;
    await this.#write(givers, signal);
    if (this.#isFailed) return judged;
    const written = new Set(givers.map(({ desired }) => desired));
    const refused = judged.filter(isRefusal).map(({ one }) => one);
    const again = await judgeAll({ ...this.#parts, isUnsettled: true }, refused, signal);
    const rest = judged.filter((one) => !isRefusal(one) && !written.has(one.one));
    return await this.#afterGivers([...rest, ...again], signal);
  }

  /** Whether anything was mended; a new gate is none of those that are asked now, and waits for its stage. */
  async #mendGates(blamed: ReadonlySet<string>, signal: AbortSignal): Promise<boolean> {
    const left = this.#gates.filter(({ key }) => !this.#mended.has(key));
    const judged = await judgeAll({ ...this.#parts, isUnsettled: false }, left, signal);
    const writes = judged.flatMap(({ verdict }) => verdict.is === "write" ? [verdict.write] : [])
      .filter(({ before }) => before !== undefined && isBlamed(before, blamed));
    await this.#write(writes, signal);
    writes.forEach(({ desired }) => this.#mended.add(desired.key));
    const dropped = this.#isFailed ? [] : await this.#parts.dropGates(blamed, signal);
    this.#results.push(...dropped);
    return !this.#isFailed && writes.length + dropped.length > 0;
  }

  /** What was just written; of what was before, what is not known to be as later stages need it. */
  #isAwaited({ one, verdict }: Judged): boolean {
    if (verdict.is !== "unchanged") return verdict.is === "write";
    return this.#parts.isRetry || this.#ofNewTypes.some((inside) => isInside(inside, one));
  }

  async #waitFor(awaited: readonly Judged[], signal: AbortSignal): Promise<void> {
    const unsettled = await waitUntilSettled(this.#parts, awaited.map(({ one }) => one), signal);
    this.#add(unsettled);
    this.#isFailed = unsettled.length > 0;
  }

  /**
   * Objects of types that this bundle brings, once those are served; where they will not be, there is nothing to try.
   */
  async #withTypes(desired: readonly Desired[], signal: AbortSignal): Promise<readonly Desired[]> {
    const [ofNew, others] = [desired.filter(isOfNewType), desired.filter((one) => !isOfNewType(one))];
    if (ofNew.length === 0 || this.#isRefused) return others;
    if (!this.#parts.mayWrite) return desired;
    const types = new Map(ofNew.map((one) => [typeOf(one), one]));
    const missing = await waitForTypes(this.#parts, [...types.values()], signal);
    this.#fail(missing, "its CustomResourceDefinition is not Established after 30 s");
    return await Promise.all(desired.map((one) => this.#served(one, signal)));
  }

  async #served(one: Desired, signal: AbortSignal): Promise<Desired> {
    const { resource } = one.place;
    const served = isOfNewType(one)
      ? await this.#parts.discovery.find(resource.apiVersion, resource.kind, signal)
      : resource;
    return { ...one, isOfNewType: false, place: { ...one.place, resource: served ?? resource } };
  }

  /** Once a stage was refused, later ones are only tried, and what they lack of it says nothing. */
  #refusalOf({ one, verdict }: Judged): readonly ObjectResult[] {
    if (verdict.is !== "refused") return [];
    if (this.#isRefused && FOR_WANT_OF_A_STAGE.includes(verdict.status)) return [];
    return [{ ...objectName(one.place), action: "failed", error: `${one.source}: ${verdict.why}` }];
  }

  /** What it would be in was being deleted, or is another stack's to make, a moment ago. */
  #lacksHolder({ one, verdict }: Judged): boolean {
    if (verdict.is !== "refused" || verdict.status !== 404) return false;
    const holders = [...this.#going.map(({ one }) => one), ...this.#wanted.map(([one]) => one)];
    return holders.some((holder) => isInside(one, holder));
  }

  #noteWaiting({ one, verdict }: Judged): void {
    if (verdict.is === "going") this.#going.push({ one, isHolder: verdict.isHolder });
    if (verdict.is === "wanted") this.#wanted.push([one, verdict.by]);
  }

  /** What this stack may not have, it must not keep others from. */
  #noteForbidden(judged: readonly Judged[]): void {
    const { claims, set } = this.#parts;
    const isForbidden = ({ verdict }: Judged) => verdict.is === "refused" && verdict.status === 403;
    this.#forbidden.push(...judged.filter(isForbidden).map(({ one }) => one.key));
    claims.refuse(set.stackId, this.#forbidden);
  }

  /** What needs no write. */
  #settle({ one, verdict }: Judged): void {
    const name = objectName(one.place);
    if (verdict.is === "left") {
      if (verdict.recorded !== undefined) this.#parts.record.adopt(one.key, verdict.recorded);
      this.#add([{ ...name, action: "unchanged" }]);
    }
    if (verdict.is === "unchanged") {
      if (verdict.compared === undefined) this.#parts.record.noteServer(one);
      else this.#parts.record.note(one, verdict.compared, verdict);
      this.#add([{ ...name, action: "unchanged" }]);
    }
    if (verdict.is === "write" && !this.#parts.mayWrite) {
      this.#differing += 1;
      this.#add([{ ...name, action: "unchanged", fields: [...verdict.write.fields] }]);
    }
  }

  async #write(writes: readonly Write[], signal: AbortSignal): Promise<void> {
    if (writes.length === 0) return;
    const { record } = this.#parts;
    record.intend(writes.map(({ desired }) => desired));
    if (record.hasNew) await record.save(signal);
    const results = await performWrites({ ...this.#parts, isUnsettled: this.#isUnsettled }, writes, signal);
    this.#results.push(...results);
    this.#isFailed = results.some(({ action }) => action === "failed");
    if (this.#isFailed) return;
    const written = writes.map(({ desired }) => desired);
    this.#isUnsettled ||= written.some(({ groupKind }) => holdsObjects(groupKind) || decidesAdmission(groupKind));
  }

  #fail(desired: readonly Desired[], error: string): void {
    this.#add(desired.map(({ place }) => ({ ...objectName(place), action: "failed", error })));
    this.#isFailed ||= desired.length > 0;
  }

  #add(results: readonly ObjectResult[]): void {
    this.#results.push(...results);
    results.forEach(({ action }) => this.#parts.acted(action));
  }
}

function isInside({ place: { namespace, resource }, groupKind }: Desired, holder: Desired): boolean {
  if (!holdsObjects(holder.groupKind)) return false;
  return holder.place.name ===
    (holder.groupKind.kind === "Namespace" ? namespace : `${resource.resource}.${groupKind.group}`);
}

function isOfNewType(one: Desired): boolean {
  return one.isOfNewType;
}

function typeOf({ place: { resource } }: Desired): string {
  return `${resource.apiVersion} ${resource.kind}`;
}
