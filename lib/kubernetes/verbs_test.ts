import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { kubernetesVerbs } from "./verbs.ts";

const SECRET = { apiVersion: "v1", kind: "Secret", resource: "secrets", namespaced: true, verbs: [] };

Deno.test("an answer that is not JSON is named by its status, and nothing of it is repeated", async () => {
  const text = '{"data":hunter2}';
  const { get } = kubernetesVerbs(() => Promise.resolve({ status: 200, headers: {}, text }));

  const failure: Failure = await get({ resource: SECRET, name: "s" }).then(() => assert.fail("it is read"), (e) => e);

  assert.equal(failure.message, "Cannot read the API server's answer of status 200: it is not JSON");
  assert.equal(failure.cause, undefined);
});

const EXPIRED = new Failure("kubernetes_rejected", "Cannot list secrets: too old", {
  details: { status: 410, reason: "Expired", message: "too old" },
});

/** Lists over an API server that answers so, page by page; the queries it is asked with, without what never differs. */
function listing(...answers: readonly (Failure | { readonly names: readonly string[]; readonly next?: string })[]) {
  const [asked, left] = [[] as string[], [...answers]];
  const { listMetadata } = kubernetesVerbs(({ path }) => {
    asked.push(new URLSearchParams(path.split("?")[1]).get("continue") ?? "");
    const answer = left.shift();
    if (answer === undefined) assert.fail("it is asked once more");
    if (answer instanceof Failure) return Promise.reject(answer);
    const items = answer.names.map((name) => ({ metadata: { name } }));
    const text = JSON.stringify({ metadata: { continue: answer.next ?? "" }, items });
    return Promise.resolve({ status: 200, headers: {}, text });
  });
  return { asked, list: listMetadata(SECRET, {}) };
}

Deno.test("a list that expires between two pages begins anew, once", async () => {
  const { asked, list } = listing(
    { names: ["a", "b"], next: "old" },
    EXPIRED,
    { names: ["b", "c"], next: "new" },
    { names: ["d"] },
  );

  assert.deepEqual((await list).map(({ metadata }) => metadata.name), ["b", "c", "d"]);
  assert.deepEqual(asked, ["", "old", "", "new"]);
});

Deno.test("a list that expires again fails", async () => {
  const page = { names: ["a"], next: "old" };

  await assert.rejects(listing(page, EXPIRED, page, EXPIRED).list, EXPIRED);
});
