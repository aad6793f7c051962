import assert from "node:assert/strict";
import { nameOf, pathOf } from "../../tests/fakes/api_paths.ts";
import { type ApiAnswer, apiOver, buildWorld, CONFIG_MAP, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { judgeBundle } from "../domain/bundle_verdict.ts";
import { readSubmission } from "../domain/deployment_object.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";
import type { Endpoint } from "./endpoint.ts";
import { ENDPOINTS } from "./endpoints.ts";

const isList = ({ method, answers }: Endpoint) => method === "get" && answers[200]?.type === "array";
const isPaged = ({ query }: Endpoint) => query !== undefined && "limit" in query.shape;
const LISTS = ENDPOINTS.filter(isList);
const PAGED = LISTS.filter(isPaged);
const SINGLES = ENDPOINTS.filter((one) => one.method === "get" && !isList(one) && !one.isHeld);

/** Lists that come whole: existing agents take what is not in theirs for gone; causes are as many as kinds of them. */
const WHOLE = ["get /agents/{id}/target-state", "get /stacks/{id}/causes"];
/** Manifests are written while they are read, so that nobody knows their tag before. */
const UNTAGGED = ["get /stacks/{id}/deployment-objects"];
/** A condition that every item of the list fulfils, and that its next page must ask for again. */
const CONDITIONS: Readonly<Record<string, string>> = {
  "get /deliveries": "state=applied&stale=false",
  "get /agents/{id}/deliveries": "state=applied",
  "get /stacks/{id}/deliveries": "connectivity=never",
};

Deno.test("pages: every list is paged, but for those that are short by nature", () => {
  assert.deepEqual(LISTS.filter((one) => !isPaged(one)).map(nameOf), WHOLE);
});

Deno.test("pages: whoever may read a list walks it by Link, each item once, under the same condition, and knows what has not changed", async () => {
  await withWorld(async ({ ask, keys, world }) => {
    const walked: string[] = [];
    for (const endpoint of PAGED) {
      const name = nameOf(endpoint);
      for (const [who, key] of Object.entries(keys)) {
        const condition = CONDITIONS[name] ?? "other=kept";
        const address = `${pathOf(endpoint, world)}?${condition}`;
        const read = (more: string) => ask({ path: `${address}&${more}`, key });
        const whole = await read("limit=1000");
        if (whole.status !== 200) continue;
        const where = `${name} by ${who}`;
        const all = whole.body as readonly unknown[];
        assert.equal(whole.headers.get("link"), null, `${where}: no page follows the last`);
        assert.deepEqual(await walk(read, condition), all, where);
        if (all.length > 0) {
          const exact = await read(`limit=${all.length}`);
          assert.deepEqual([exact.body, exact.headers.get("link")], [all, null], `${where}: as many as there are`);
        }
        if (all.length > 1) walked.push(name);
        if (UNTAGGED.includes(name)) continue;
        for (const page of [whole, await read("limit=1")]) {
          const again = await ask({
            path: `${address}&limit=${page === whole ? 1_000 : 1}`,
            ...{ key, headers: { "if-none-match": page.headers.get("etag") ?? "none" } },
          });
          assert.deepEqual([again.status, again.text], [304, ""], `${where}: it is known`);
          assert.equal(again.headers.get("link"), page.headers.get("link"), `${where}: where the next page is`);
        }
      }
    }
    assert.deepEqual(PAGED.map(nameOf).filter((name) => !walked.includes(name)), [], "each must have several items");
  });
});

Deno.test("pages: every list refuses limits and cursors that no page gave", async () => {
  await withWorld(async ({ ask, keys, world }) => {
    for (const endpoint of PAGED) {
      const key = endpoint.roles.includes("admin") ? keys.admin : keys.agent;
      for (const query of ["limit=0", "limit=1001", "limit=-1", "limit=1.5", "limit=", "limit=x", "cursor=x"]) {
        const { status, body } = await ask({ path: `${pathOf(endpoint, world)}?${query}`, key });

        const { code } = body as { readonly code?: string };
        assert.deepEqual([status, code], [400, "invalid_parameters"], `${nameOf(endpoint)}?${query}`);
      }
    }
  });
});

Deno.test("pages: every single thing has a tag, by which who has it already is told so, whoever asks and by HEAD too", async () => {
  await withWorld(async ({ ask, keys, world }) => {
    for (const endpoint of SINGLES) {
      for (const [who, key] of Object.entries(keys)) {
        const path = pathOf(endpoint, world);
        const first = await ask({ path, key });
        if (first.status !== 200) continue;
        const where = `${nameOf(endpoint)} by ${who}`;
        const etag = first.headers.get("etag");
        assert.match(etag ?? "", /^"[\w-]+"$/, where);
        for (const known of [etag, `"other", W/${etag}`, "*"]) {
          const again = await ask({ path, key, headers: { "if-none-match": known ?? "" } });
          assert.deepEqual(
            [again.status, again.text, again.headers.get("etag")],
            [304, "", etag],
            `${where}, ${known}`,
          );
        }
        const other = await ask({ path, key, headers: { "if-none-match": '"other"' } });
        assert.deepEqual([other.status, other.text], [200, first.text], where);
        const head = await ask({ method: "HEAD", path, key });
        assert.deepEqual([head.status, head.headers.get("etag")], [200, etag], `${where}, HEAD`);
      }
    }
  });
});

type Read = (more: string) => Promise<ApiAnswer>;

/** All items, one a page, by where each page says that the next one is. */
async function walk(read: Read, condition: string): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  let more: string | undefined = "limit=1";
  while (more !== undefined) {
    const { status, body, headers }: ApiAnswer = await read(more);
    assert.equal(status, 200, more);
    assert.ok((body as readonly unknown[]).length <= 1, "a page has no more than was asked for");
    items.push(...body as readonly unknown[]);
    const link = headers.get("link");
    more = link === null ? undefined : nextOf(link, condition);
    assert.ok(items.length < 100, "a walk must end");
  }
  return items;
}

/** What the next page asks for beside the condition, which it must ask for again. */
function nextOf(link: string, condition: string): string {
  const [, query] = /^<\?([^<>]*)>; rel="next"$/.exec(link) ?? [];
  const asked = new URLSearchParams(query);
  for (const [name, value] of new URLSearchParams(condition)) {
    assert.equal(asked.get(name), value, link);
    asked.delete(name);
  }
  assert.deepEqual([...asked.keys()].toSorted(), ["cursor", "limit"], link);
  return String(asked);
}

interface Asking {
  readonly ask: ReturnType<typeof apiOver>;
  readonly keys: World["keys"];
  readonly world: World;
}

/** In one transaction: whatever has an age is as old at each request. */
async function withWorld(work: (asking: Asking) => Promise<void>): Promise<void> {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const world = await buildWorld(store);
  await addMore(store, world);
  await undone(store, (inside) => work({ ask: apiOver(inside), keys: world.keys, world }));
}

/** Several of everything that lists show. */
async function addMore(store: Store, world: World): Promise<void> {
  const { agentId, otherAgentId, generatorId, otherGeneratorId, stackId } = world;
  const submit = async (stack: string, name: string) => {
    const yamlContent = CONFIG_MAP.replace("settings", name);
    const submission = await readSubmission(
      { stackId: stack, yamlContent, isDeletionMarker: false },
      judgeBundle(yamlContent),
    );
    return (await store.objects.submit(submission)).object.id;
  };
  await store.registrations.add(otherAgentId, generatorId);
  await store.targets.add(otherAgentId, stackId);
  for (const name of ["one", "two"]) {
    const stack = await store.stacks.add({ name, generatorId });
    await store.stacks.add({ name: `bank-${name}`, generatorId: otherGeneratorId });
    await store.targets.add(agentId, stack.id);
    await store.agentTags.addLabel(agentId, name);
    await store.agentTags.addAnnotation(agentId, { key: name, value: name });
    await store.stackTags.addLabel(stackId, name);
    await store.stackTags.addAnnotation(stackId, { key: name, value: name });
    await store.deliveries.report({ agentId, objectId: await submit(stack.id, name), state: "applied" });
    const objectId = await submit(stackId, name);
    for (const agent of [agentId, otherAgentId]) {
      await store.deliveries.report({ agentId: agent, objectId, state: "applied" });
    }
  }
}
