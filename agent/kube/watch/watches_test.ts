import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { ApiResource, ObjectMeta } from "$lib/kubernetes.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../../tests/fakes/silent_log.ts";
import { WatchedKind } from "../../../tests/fakes/watched_kinds.ts";
import { KindWatch } from "./watches.ts";

const DEPLOYMENTS: ApiResource = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  resource: "deployments",
  namespaced: true,
  verbs: [],
};
const GONE = new Failure("kubernetes_rejected", "Cannot watch: too old", { details: { status: 410 } });
const FORBIDDEN = new Failure("kubernetes_rejected", "Cannot list: no", { details: { status: 403 } });
const AWAY = new Failure("kubernetes_unavailable", "Cannot list: it is away");

function meta(name: string, resourceVersion: string, generation = 1): ObjectMeta {
  return { name, namespace: "n", uid: `uid-${name}`, resourceVersion, generation };
}

/**
 * A watch of Deployments that has begun, and what it heard: `+a` is seen, `~a` seen and not the state of before, `-a`
 * gone.
 */
async function watching({ namespaces = [] as string[], answers = [] as ReturnType<typeof meta>[] | Error } = {}) {
  const clock = new ManualClock();
  const kind = new WatchedKind(DEPLOYMENTS);
  kind.answers.set("", answers);
  const [heard, forgotten, lines] = [[] as string[], [] as string[], [] as string[]];
  const ending = new AbortController();
  const watch = new KindWatch({
    clock,
    random: () => 0.5,
    kubernetes: kind.kubernetes,
    discovery: {
      findAnyVersion: () => Promise.resolve(DEPLOYMENTS),
      forget: (apiVersion) => forgotten.push(apiVersion),
    },
    log: { ...silentLog(), warn: (line) => lines.push(line) },
    groupKind: { group: "apps", kind: "Deployment" },
    listener: {
      seen: ({ name, digest }, before) =>
        heard.push(`${before === undefined ? "+" : before.digest === digest ? "=" : "~"}${name}`),
      gone: ({ name }, { uid }) => heard.push(`-${name} ${uid}`),
    },
    namespacesOf: () => namespaces,
  }, ending.signal);
  await clock.settle();
  async function send(...events: Parameters<typeof kind.only.send>[]): Promise<void> {
    for (const event of events) kind.only.send(...event);
    await clock.settle();
  }
  async function stop(): Promise<void> {
    ending.abort();
    await watch.ended();
  }
  return { clock, kind, watch, heard, forgotten, lines, namespaces, send, stop };
}

Deno.test("a watch lists what is there, and hears what changes from there on", async () => {
  const { kind, watch, heard, send, stop } = await watching({ answers: [meta("a", "1")] });

  await send(["modified", meta("a", "2")], ["modified", meta("a", "3", 2)], ["added", meta("b", "4")]);
  await send(["bookmark", meta("", "5")], ["deleted", meta("a", "6", 2)]);

  assert.deepEqual(heard, ["+a", "=a", "~a", "+b", "-a uid-a"]);
  assert.deepEqual([kind.lists, kind.only.resourceVersion, watch.isOpen], [[""], "1", true]);
  await stop();
  assert.deepEqual([kind.open.size, watch.isOpen], [0, false]);
});

for (const [how, error] of [["closes it in good order", undefined], ["says 410", GONE], ["is silent", AWAY]] as const) {
  Deno.test(`when the API server ${how}, a watch lists anew and hears what it missed`, async () => {
    const { clock, kind, heard, lines, stop } = await watching({
      answers: ["a", "b", "c"].map((name) => meta(name, "1")),
    });
    await clock.advance(1_800_000);
    kind.answers.set("", [meta("a", "1"), meta("b", "7", 2), meta("d", "8")]);

    kind.only.end(error);
    await clock.advance(1_000);

    assert.deepEqual(heard.slice(3), ["~b", "+d", "-c uid-c"]);
    assert.deepEqual([kind.lists.length, kind.only.resourceVersion, lines], [2, "2", []]);
    await stop();
  });
}

Deno.test("a watch that can't be opened is tried again in growing pauses, and the log told once", async () => {
  const { clock, kind, watch, lines, stop } = await watching({ answers: AWAY });

  await clock.advance(1_000 + 2_000 + 4_000 - 1);
  assert.deepEqual([kind.lists.length, watch.isOpen], [3, false]);
  await clock.advance(600_000);
  kind.answers.set("", []);
  await clock.advance(60_000);

  assert.deepEqual([watch.isOpen, lines], [true, ["watch ended, will list and open it anew"]]);
  await stop();
});

Deno.test("a watch that is closed at once, again and again, is opened in growing pauses", async () => {
  const { clock, kind, stop } = await watching();

  for (let times = 0; times < 3; times += 1) {
    kind.only.end();
    await clock.advance(1_000 * 2 ** times - 1);
    assert.equal(kind.open.size, 0);
    await clock.advance(1);
  }

  assert.equal(kind.lists.length, 4);
  await stop();
});

Deno.test("a watch whose path is not there asks for the type anew", async () => {
  const notFound = new Failure("kubernetes_rejected", "Cannot list: status 404", { details: { status: 404 } });
  const { forgotten, stop } = await watching({ answers: notFound });

  assert.deepEqual(forgotten, ["apps/v1"]);
  await stop();
});

Deno.test("a watch that the whole cluster refuses is one for each namespace, as they come and go", async () => {
  const { clock, kind, watch, namespaces, lines, stop } = await watching({
    namespaces: ["n", "m"],
    answers: FORBIDDEN,
  });
  const places = () => [...kind.open].map(({ namespace }) => namespace);
  await clock.settle();
  const first = places();

  namespaces.splice(0, 1, "k");
  watch.followNamespaces();
  await clock.settle();

  assert.deepEqual([first, places(), watch.isOpen, lines], [["n", "m"], ["m", "k"], true, []]);
  await stop();
  assert.equal(kind.open.size, 0);
});

Deno.test("a watch that the whole cluster allows again takes the place of those of namespaces", async () => {
  const { clock, kind, watch, stop } = await watching({ namespaces: ["n"], answers: FORBIDDEN });
  await clock.advance(60_000);
  kind.answers.set("", []);

  await clock.advance(600_000);

  assert.deepEqual([...kind.open].map(({ namespace }) => namespace), [undefined]);
  assert.equal(watch.isOpen, true);
  await stop();
});

Deno.test("a kind that may not be watched anywhere is named once, and asked for again now and then", async () => {
  const { clock, kind, watch, lines, stop } = await watching({ namespaces: ["n"], answers: FORBIDDEN });
  kind.answers.set("n", FORBIDDEN);
  watch.followNamespaces();
  for (const { end } of kind.open) end(FORBIDDEN);

  await clock.advance(1_200_000);

  assert.equal(lines.filter((line) => line.startsWith("a kind can't be watched")).length, 1);
  assert.ok(kind.lists.length >= 6 && kind.lists.length <= 10, `${kind.lists.length} lists`);
  await stop();
});
