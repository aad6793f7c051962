import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import { newId, random, sha256Hex } from "$lib/ids.ts";
import { type ApiResource, type Kubernetes, openKubernetes } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { createKeptStore } from "../../../agent/kube/records/kept_snapshot_store.ts";
import { type KeptCopy, keptKey, type KeptStore, keyDigest } from "../../../agent/plan/kept_snapshot.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";

const SECRETS: ApiResource = {
  apiVersion: "v1",
  kind: "Secret",
  resource: "secrets",
  namespaced: true,
  verbs: [],
};
const NAMESPACE = "default";

interface Keeping {
  readonly kubernetes: Kubernetes;
  readonly owner: { readonly agentName: string; readonly clusterName: string };
  readonly store: KeptStore;
  /** The same, of an agent of the same names with another key. */
  withKey(key: string): KeptStore;
  /** The store of another agent in the same namespace. */
  readonly other: KeptStore;
  readonly lines: string[];
  /** Requests by operation and result, since the last call. */
  counts(): Readonly<Record<string, number>>;
}

/** What keeping copies in a cluster must come to. */
export interface KeptCase {
  readonly name: string;
  run(keeping: Keeping): Promise<void>;
}

/** Runs a case as an agent of its own. */
export async function runKeptCase(kubeconfigPath: string, { run }: KeptCase): Promise<void> {
  const lines: string[] = [];
  const say = (message: string) => lines.push(message);
  const log: Log = { debug: say, info: say, warn: say, error: say };
  const { metrics, counts } = countingMetrics();
  const kubernetes = await openKubernetes({
    ...{ kubeconfigPath, env: {}, metrics, clock: systemClock(), random, log, userAgent: "brokkr-agent/kept" },
  });
  const owner = { agentName: newId(), clusterName: "prod" };
  const storeOf = (agentName: string, key = "key") =>
    createKeptStore({
      ...{ kubernetes, log, namespace: NAMESPACE, owner: { ...owner, agentName } },
      keyDigest: () => Promise.resolve(keyDigest(key)),
    });
  const withKey = (key: string) => storeOf(owner.agentName, key);
  try {
    const [store, other] = [storeOf(owner.agentName), storeOf(newId())];
    await run({ kubernetes, owner, lines, counts, store, other, withKey });
  } finally {
    kubernetes.close();
  }
}

/** Copies and bundles as Secrets. */
export const keptCases: readonly KeptCase[] = [
  {
    name: "what was kept is read, and replaced by what is kept next",
    async run({ store, counts }) {
      const copy: KeptCopy = { agentId: newId(), epoch: newId(), revision: 1, stacks: [], standby: "mismatch" };
      assert.equal(await store.read(), undefined);

      await store.write(copy);
      const first = await store.read();
      const next = { agentId: copy.agentId, epoch: copy.epoch, revision: 2, stacks: [] };
      await store.write(next);

      const found = [first, await store.read()];
      assert.deepEqual(found, [copy, next].map((one) => ({ ...one, isKeyRefused: false })));
      assert.deepEqual(counts(), { "get success": 3, "apply success": 2 });
    },
  },
  {
    name: "a key that is refused is so for those who have it alone, in every copy, until it is granted",
    async run({ kubernetes, owner, store, withKey }) {
      const copy: KeptCopy = { agentId: newId(), epoch: newId(), revision: 1, stacks: [] };
      const wrong = withKey("another");
      const seen: unknown[] = [await wrong.noteKey(true)];
      const look = async () => seen.push([(await store.read())?.isKeyRefused, (await wrong.read())?.isKeyRefused]);
      await store.write(copy);
      await look();

      seen.push(await wrong.noteKey(true));
      await look();
      await store.write({ ...copy, revision: 2 });
      await store.noteKey(false);
      await look();
      await wrong.noteKey(false);
      await look();

      assert.deepEqual(seen, [false, [false, false], true, [false, true], [false, true], [false, false]]);
      const place = { resource: SECRETS, namespace: NAMESPACE, name: `brokkr-kept-${keptKey(owner)}` };
      assert.equal((await kubernetes.get(place))?.metadata.annotations, undefined);
    },
  },
  {
    name: "of refused keys the last sixteen are known, and none is written down",
    async run({ kubernetes, owner, store, withKey }) {
      await store.write({ agentId: newId(), epoch: newId(), revision: 1, stacks: [] });
      const keys = Array.from({ length: 17 }, () => newId());
      for (const key of keys) await withKey(key).noteKey(true);

      const found = await Promise.all(keys.map(async (key) => (await withKey(key).read())?.isKeyRefused));

      assert.deepEqual(found, keys.map((_, index) => index > 0));
      const place = { resource: SECRETS, namespace: NAMESPACE, name: `brokkr-kept-${keptKey(owner)}` };
      const text = JSON.stringify(await kubernetes.get(place));
      assert.equal(keys.some((key) => text.includes(key)), false);
    },
  },
  {
    name: "a copy under the wrong name, or spoilt, is not used",
    async run({ kubernetes, owner, store, other, lines }) {
      await other.write({ agentId: newId(), epoch: newId(), revision: 1, stacks: [] });
      const { items } = await kubernetes.listMetadata(SECRETS, { namespace: NAMESPACE });
      const names = items.map(({ metadata }) => metadata.name);
      const theirs = names.find((name) => name.startsWith("brokkr-kept-") && !name.endsWith(keptKey(owner))) ?? "";
      const stolen = await kubernetes.get({ resource: SECRETS, namespace: NAMESPACE, name: theirs });
      const metadata = { name: `brokkr-kept-${keptKey(owner)}`, namespace: NAMESPACE };
      await kubernetes.create(SECRETS, { apiVersion: "v1", kind: "Secret", metadata, data: stolen?.data });
      const found: unknown[] = [await store.read()];

      await kubernetes.patch({ resource: SECRETS, ...metadata }, { data: { index: btoa("not zipped") } });
      found.push(await store.read());

      assert.deepEqual(found, [undefined, undefined]);
      assert.deepEqual(lines, ["the kept snapshot is not used", "the kept snapshot is not used"]);
    },
  },
  {
    name: "a bundle too large for one Secret is kept in several, read whole, and taken away",
    async run({ kubernetes, store }) {
      const text = Array.from({ length: 40_000 }, () => newId()).join("\n");
      const object = { id: newId(), checksum: await sha256Hex(text) };

      await store.writeBody(object, text);
      const read = await store.readBody(object);
      const names = await secretsOf(kubernetes, object.id);
      await store.removeOtherBodies(new Set());

      assert.equal(read, text);
      assert.deepEqual(names, [`brokkr-body-${object.id}-0`, `brokkr-body-${object.id}-1`]);
      assert.deepEqual([await secretsOf(kubernetes, object.id), await store.readBody(object)], [[], undefined]);
    },
  },
  {
    name: "a bundle of which a part is missing is listed as such, and is written whole again",
    async run({ kubernetes, store }) {
      const text = Array.from({ length: 40_000 }, () => newId()).join("\n");
      const object = { id: newId(), checksum: await sha256Hex(text) };
      await store.writeBody(object, text);
      const place = { resource: SECRETS, namespace: NAMESPACE, name: `brokkr-body-${object.id}-1` };
      const uid = (await kubernetes.get(place))?.metadata.uid ?? "";
      await kubernetes.delete(place, { uid });
      const [listed, read] = [await store.listBodies(), await store.readBody(object)];

      await store.writeBody(object, text);

      assert.deepEqual([listed.get(object.id), read], [false, undefined]);
      assert.deepEqual([(await store.listBodies()).get(object.id), await store.readBody(object)], [true, text]);
      await store.removeOtherBodies(new Set());
    },
  },
  {
    name: "a spoilt bundle is not used, and replaced by the next write of it",
    async run({ kubernetes, store, lines }) {
      const object = { id: newId(), checksum: await sha256Hex("a: b\n") };
      await store.writeBody({ ...object, checksum: "" }, "a: c\n");
      const spoilt = await store.readBody(object);

      await store.writeBody(object, "a: b\n");

      assert.deepEqual([spoilt, lines], [undefined, ["a kept bundle is not used: it is spoilt"]]);
      assert.deepEqual([await store.readBody(object), (await secretsOf(kubernetes, object.id)).length], ["a: b\n", 1]);
      await store.removeOtherBodies(new Set());
    },
  },
  {
    name: "two agents of one namespace keep a bundle once, as long as one of them wants it",
    async run({ kubernetes, store, other, counts }) {
      const object = { id: newId(), checksum: await sha256Hex("a: b\n") };
      for (const one of [store, other]) await one.writeBody(object, "a: b\n");
      assert.deepEqual(counts(), { "get success": 2, "create success": 1, "patch success": 1 });
      const listed = await Promise.all([store, other].map((one) => one.listBodies()));

      await store.removeOtherBodies(new Set());
      const left = [(await store.listBodies()).get(object.id), (await other.listBodies()).get(object.id)];
      await other.removeOtherBodies(new Set());

      assert.deepEqual(listed.map((ids) => ids.has(object.id)), [true, true]);
      assert.deepEqual(left, [undefined, true]);
      assert.deepEqual(await secretsOf(kubernetes, object.id), []);
    },
  },
];

async function secretsOf(kubernetes: Kubernetes, objectId: string): Promise<readonly string[]> {
  const { items } = await kubernetes.listMetadata(SECRETS, { namespace: NAMESPACE });
  return items.map(({ metadata }) => metadata.name).filter((name) => name.includes(objectId)).sort();
}
