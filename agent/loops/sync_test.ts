import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { createRegistry } from "$lib/metrics.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { TaggedSnapshot } from "../broker_client.ts";
import { AGENT_METRICS } from "../metrics.ts";
import type { FoundCopy } from "../plan/kept_snapshot.ts";
import { BrokerAccess, Sync } from "./sync.ts";

const EMPTY: Snapshot = { epoch: "e", revision: 1, complete: true, paused: false, prune_approved: null, stacks: [] };
const STACK = { stack_id: "s", name: "s", generator_id: "g", state: "terminating", deployment_object: null } as const;
const FULL: Snapshot = { ...EMPTY, revision: 2, stacks: [STACK] };

/** A sync whose polls take 300 ms each and end as `answers` say, in order. */
function syncing(...answers: (TaggedSnapshot | undefined | Error)[]) {
  return keptSyncing(undefined, ...answers);
}

/** The same with a copy in the cluster. */
function keptSyncing(kept: FoundCopy | undefined, ...answers: (TaggedSnapshot | undefined | Error)[]) {
  const clock = new ManualClock({ nowMs: 1_000_000 });
  const silent = () => {};
  const happened: string[] = [];
  const error = (message: string) => happened.push(`error ${message}`);
  const log: Log = { debug: silent, info: silent, warn: silent, error };
  const registry = createRegistry({ clock, log });
  const access = new BrokerAccess();
  const sync = new Sync({
    agentId: "a",
    access,
    clock,
    log,
    wholeEveryMs: 900,
    broker: {
      poll: async (_, etag) => {
        happened.push(`polled with ${etag}`);
        await clock.advance(300);
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    planner: {
      accept: ({ revision }, { isKept = false } = {}) => happened.push(`accepted ${isKept ? "kept " : ""}${revision}`),
      reconsider: () => happened.push("reconsidered"),
    },
    keeper: { believed: () => {}, look: () => {}, keptCopy: () => Promise.resolve(kept) },
    metrics: registry.register(AGENT_METRICS),
  });
  const signal = new AbortController().signal;
  const lines = async () => (await registry.page?.("text") ?? "").split("\n").filter((line) => /_poll_/.test(line));
  const moved = async () => (await lines()).filter((line) => !line.startsWith("#") && !/ 0$|_bucket/.test(line));
  return { sync, access, signal, happened, lines, moved };
}

Deno.test("turn() has a new snapshot planned, and polls with its tag from then on", async () => {
  const { sync, signal, happened, moved } = syncing({ snapshot: FULL, etag: '"e-2"' }, undefined);

  await sync.turn(signal);
  await sync.turn(signal);

  assert.deepEqual(happened, ["polled with undefined", "accepted 2", 'polled with "e-2"', "reconsidered"]);
  assert.deepEqual(await moved(), [
    'brokkr_agent_poll_requests_total{result="success"} 1',
    'brokkr_agent_poll_requests_total{result="empty"} 1',
    "brokkr_agent_poll_duration_seconds_sum 0.6",
    "brokkr_agent_poll_duration_seconds_count 2",
    "brokkr_agent_last_successful_poll_timestamp 1000.6",
  ]);
});

Deno.test("turn() asks for the whole snapshot when that is due, and plans it where it says something else", async () => {
  const [known, other] = [{ snapshot: FULL, etag: '"e-2"' }, { snapshot: { ...FULL, stacks: [] }, etag: '"e-2"' }];
  const { sync, signal, happened } = syncing(
    known,
    undefined,
    undefined,
    undefined,
    known,
    undefined,
    undefined,
    undefined,
    other,
  );

  for (let turns = 0; turns < 9; turns += 1) await sync.turn(signal);

  const [tagged, whole] = [['polled with "e-2"', "reconsidered"], "polled with undefined"];
  assert.deepEqual(happened, [
    ...[whole, "accepted 2", ...tagged, ...tagged, ...tagged],
    ...[whole, "reconsidered", ...tagged, ...tagged, ...tagged],
    ...[whole, "error the broker says something else under the revision that is known: it was set back", "accepted 2"],
  ]);
});

Deno.test("turn() counts a snapshot without stacks as empty", async () => {
  const { sync, signal, moved } = syncing({ snapshot: EMPTY, etag: undefined });

  await sync.turn(signal);

  assert.equal((await moved())[0], 'brokkr_agent_poll_requests_total{result="empty"} 1');
});

Deno.test("turn() counts and times a failed poll, looks again at a plan that failed, and keeps the time of the last good one", async () => {
  const { sync, signal, happened, moved } = syncing(new Error("down"));

  await assert.rejects(sync.turn(signal), { message: "down" });

  assert.deepEqual(happened, ["polled with undefined", "reconsidered"]);
  assert.deepEqual(await moved(), [
    'brokkr_agent_poll_requests_total{result="error"} 1',
    "brokkr_agent_poll_duration_seconds_sum 0.3",
    "brokkr_agent_poll_duration_seconds_count 1",
  ]);
});

Deno.test("turn() outlives a snapshot that is not believed: it is an error, says so, and changes nothing", async () => {
  const { sync, signal, happened, moved } = syncing(new Failure("invalid_snapshot", "Cannot believe it"));

  await sync.turn(signal);

  assert.deepEqual(happened, [
    "polled with undefined",
    "reconsidered",
    "error the snapshot is not believed, and changes nothing",
  ]);
  assert.equal((await moved())[0], 'brokkr_agent_poll_requests_total{result="error"} 1');
});

Deno.test("the time of the last successful poll is 0 before the first", async () => {
  const { lines } = syncing();

  assert.ok((await lines()).includes("brokkr_agent_last_successful_poll_timestamp 0"));
});

Deno.test("a broker that refuses the key or the agent denies it to write, until it answers a poll again", async () => {
  const refusal = (status: number) => new Failure("broker_rejected", `status is ${status}`, { details: { status } });
  const ways = [undefined, refusal(401), refusal(500), undefined, refusal(403), new Failure("invalid_snapshot", "no")];
  const { sync, access, signal } = syncing(...ways);
  const seen: (string | undefined)[] = [];

  for (const _ of ways) {
    await sync.turn(signal).catch(() => {});
    seen.push(access.reason);
  }

  assert.deepEqual(seen, [undefined, "denied", "denied", undefined, "denied", undefined]);
});

const COPY: FoundCopy = { agentId: "a", epoch: "e", revision: 1, stacks: [], isKeyRefused: false };
const DOWN = new Failure("broker_unavailable", "Cannot poll: no answer came");

Deno.test("turn() plans what is kept when the broker is away before it said anything, once, and then what it says", async () => {
  const { sync, access, signal, happened } = keptSyncing(COPY, DOWN, DOWN, { snapshot: FULL, etag: undefined }, DOWN);

  for (let turns = 0; turns < 4; turns += 1) await sync.turn(signal).catch(() => {});

  assert.deepEqual(happened.filter((line) => line.startsWith("accepted")), ["accepted kept 1", "accepted 2"]);
  assert.equal(access.reason, undefined);
});

Deno.test("turn() plans nothing kept for an agent that the broker refuses, now or when it was heard last", async () => {
  const refused = new Failure("broker_unavailable", "status is 401", { details: { status: 401 } });
  const now = keptSyncing(COPY, refused, DOWN);
  const before = keptSyncing({ ...COPY, isKeyRefused: true }, DOWN);

  for (const { sync, signal } of [now, now, before]) await sync.turn(signal).catch(() => {});

  assert.deepEqual([now.access.reason, before.access.reason], ["denied", "denied"]);
  assert.deepEqual(now.happened.filter((line) => line.startsWith("accepted")), []);
});
