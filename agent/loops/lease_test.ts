import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { type Term, whileLeading } from "./lease.ts";

type Lease = KubernetesObject & { readonly spec: Readonly<Record<string, unknown>> };

/** One Lease in an API server, and replicas that want it. */
function world() {
  const clock = new ManualClock();
  const happened: string[] = [];
  const state = { lease: undefined as Lease | undefined, version: 0 };
  const conflict = () => Promise.reject(new Failure("kubernetes_rejected", "conflict", { details: { status: 409 } }));
  function keep(object: KubernetesObject & { readonly spec?: unknown }): Promise<Lease> {
    state.version += 1;
    const spec = { ...state.lease?.spec, ...object.spec as Lease["spec"] };
    const metadata = { ...object.metadata, uid: "u", resourceVersion: String(state.version) };
    state.lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
    return Promise.resolve(state.lease);
  }
  /** Begins to want the Lease. */
  function replica(holder: string) {
    const stop = new AbortController();
    const own = { isCut: false, isDeaf: false, lateMs: 0 };
    const terms: Term[] = [];
    const leading: boolean[] = [];
    const up = <T>(answer: () => Promise<T>): Promise<T> => {
      if (own.isCut) return Promise.reject(new Failure("kubernetes_unavailable", "it is away"));
      return own.lateMs === 0 ? answer() : clock.sleep(own.lateMs).then(answer);
    };
    const ended = whileLeading(
      {
        clock,
        random: () => 0.5,
        log: silentLog(),
        kubernetes: {
          get: () => up(() => Promise.resolve(state.lease)),
          create: (_, object) => up(() => state.lease === undefined ? keep(object as Lease) : conflict()),
          patch: (_, body) =>
            own.isDeaf ? new Promise<never>(() => {}) : up(() => {
              const change = body as Lease;
              return change.metadata.resourceVersion === state.lease?.metadata.resourceVersion
                ? keep(change)
                : conflict();
            }),
        },
        namespace: "n",
        name: "lease",
        holder,
        onLeading: (isLeading) => leading.push(isLeading),
      },
      async (term) => {
        terms.push(term);
        happened.push(`${holder} works`);
        await new Promise((resolve) => term.signal.addEventListener("abort", resolve, { once: true }));
        happened.push(`${holder} ends`);
      },
      stop.signal,
    );
    return { own, terms, leading, stop: () => stop.abort(), ended };
  }
  return { clock, state, happened, replica };
}

Deno.test("the first replica takes the Lease and works; another one stands by for as long as it is renewed", async () => {
  const { clock, state, happened, replica } = world();
  const a = replica("a");
  await clock.settle();
  const b = replica("b");
  await clock.advance(600_000);

  assert.deepEqual(happened, ["a works"]);
  assert.deepEqual([state.lease?.spec.holderIdentity, state.lease?.spec.leaseTransitions], ["a", 0]);
  assert.match(String(state.lease?.spec.renewTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.deepEqual([a.leading, b.leading], [[true], []]);
  b.stop();
  a.stop();
  await clock.settle();
  await Promise.all([a.ended, b.ended]);
  assert.equal(clock.pending, 0);
});

Deno.test("a replica that ends gives the Lease up, and the other one works at its next look", async () => {
  const { clock, state, happened, replica } = world();
  const a = replica("a");
  await clock.settle();
  const b = replica("b");
  await clock.settle();

  a.stop();
  await a.ended;
  await clock.advance(6_000);

  assert.deepEqual(happened, ["a works", "a ends", "b works"]);
  assert.deepEqual([state.lease?.spec.holderIdentity, state.lease?.spec.leaseTransitions], ["b", 1]);
  b.stop();
  await b.ended;
});

Deno.test("a replica that can't renew ends its term well before the other one takes over, and waits again", async () => {
  const { clock, happened, replica } = world();
  const a = replica("a");
  await clock.settle();
  const b = replica("b");
  await clock.advance(60_000);
  a.own.isCut = true;

  await clock.advance(14_000);
  const late = a.terms[0]?.isLeader();
  await clock.advance(6_000);
  const cut = [...happened, a.terms[0]?.isLeader()];
  await clock.advance(30_000);
  a.own.isCut = false;
  await clock.advance(60_000);

  assert.deepEqual([late, cut], [true, ["a works", "a ends", false]]);
  assert.deepEqual(happened, ["a works", "a ends", "b works"]);
  assert.deepEqual([a.leading, b.leading], [[true, false], [true]]);
  a.stop();
  b.stop();
  await Promise.all([a.ended, b.ended]);
});

Deno.test("a renewal that is never answered ends the term no later than one that fails, and so does the Lease's release", async () => {
  const { clock, happened, replica } = world();
  const a = replica("a");
  await clock.advance(60_000);
  a.own.isDeaf = true;

  await clock.advance(20_000);
  const late = [...happened, a.terms[0]?.isLeader()];
  a.own.isDeaf = false;
  await clock.advance(10_000);
  a.own.isDeaf = true;
  a.stop();
  await clock.advance(5_000);
  await a.ended;

  assert.deepEqual(late, ["a works", "a ends", false]);
  assert.deepEqual(happened, ["a works", "a ends", "a works", "a ends"]);
  assert.equal(clock.pending, 0);
});

Deno.test("a term counts from when its renewal was asked for, however late that is answered", async () => {
  const { clock, replica } = world();
  const a = replica("a");
  await clock.settle();
  const [term] = a.terms;
  a.own.lateMs = 2_000; // to read the Lease, and to write it
  await clock.advance(9_000);
  a.own.isCut = true;

  await clock.advance(15_999);
  const before = term?.isLeader();
  await clock.advance(1);

  assert.deepEqual([before, term?.isLeader()], [true, false]);
  a.stop();
  await a.ended;
});

Deno.test("a term is over by the clock, whether or not a timer has come to say so", async () => {
  const { clock, replica } = world();
  const a = replica("a");
  await clock.settle();
  const [term] = a.terms;
  const renewed = clock.monotonic();

  const frozen: Term = { signal: new AbortController().signal, isLeader: () => term?.isLeader() === true };
  a.own.isCut = true;
  await clock.advance(19_999);
  const before = frozen.isLeader();
  await clock.advance(1);

  assert.deepEqual([before, frozen.isLeader(), clock.monotonic() - renewed], [true, false, 20_000]);
  a.stop();
  await a.ended;
});

Deno.test("a Lease that somebody takes away ends the term at the next renewal, and is not given up by who lost it", async () => {
  const { clock, state, happened, replica } = world();
  const a = replica("a");
  await clock.settle();
  if (state.lease !== undefined) {
    const metadata = { ...state.lease.metadata, resourceVersion: "other" };
    state.lease = { ...state.lease, metadata, spec: { ...state.lease.spec, holderIdentity: "person" } };
  }

  await clock.advance(5_000);
  a.stop();
  await a.ended;

  assert.deepEqual(happened, ["a works", "a ends"]);
  assert.equal(state.lease?.spec.holderIdentity, "person");
});

Deno.test("of two replicas that want a Lease at the same moment one works", async () => {
  const { clock, happened, replica } = world();
  const both = [replica("a"), replica("b")];
  await clock.advance(60_000);

  assert.equal(happened.length, 1);
  both.forEach(({ stop }) => stop());
  await Promise.all(both.map(({ ended }) => ended));
});
