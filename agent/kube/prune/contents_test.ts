import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { ApiResource } from "$lib/kubernetes.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { Claims } from "../../plan/claims.ts";
import { inTheWayInside } from "./contents.ts";

const NAMESPACE: ApiResource = {
  ...{ apiVersion: "v1", kind: "Namespace", resource: "namespaces", namespaced: false, verbs: [] },
};
const WIDGET: ApiResource = {
  ...{ apiVersion: "example.org/v1", kind: "Widget", resource: "widgets", namespaced: true, verbs: [] },
};
const HOLDER = {
  ...{ key: "Namespace//shop", groupKind: { group: "", kind: "Namespace" }, meta: { name: "shop", uid: "1" } },
  place: { resource: NAMESPACE, name: "shop" },
};

Deno.test("inTheWayInside() looks again while discovery names a type that is gone", async () => {
  const { parts, looks } = lagging(2);

  const found = await inTheWayInside(parts, HOLDER, new AbortController().signal);

  assert.equal(found, undefined);
  assert.equal(looks(), 3);
});

Deno.test("inTheWayInside() fails when a type that is named is never served: what it holds nobody sees", async () => {
  const { parts } = lagging(Infinity);

  await assert.rejects(
    inTheWayInside(parts, HOLDER, new AbortController().signal),
    /Cannot see what it holds: Cannot list widgets/,
  );
});

/** A cluster that names the type in so many looks after its path is gone. */
function lagging(count: number) {
  let looks = 0;
  const parts = {
    clock: new ManualClock({ skipsSleeps: true }),
    set: { id: "set", stackId: "s", agentId: "a" },
    claims: new Claims(),
    ignoreInNamespaces: [],
    approval: undefined,
    kubernetes: {
      get: () => Promise.resolve(undefined),
      listMetadata: () =>
        Promise.reject(
          new Failure("kubernetes_rejected", "Cannot list widgets: status 404", { details: { status: 404 } }),
        ),
    },
    discovery: {
      listAll: () => Promise.resolve(looks++ < count ? [WIDGET] : []),
      find: () => Promise.resolve(undefined),
      findAnyVersion: () => Promise.resolve(undefined),
    },
  };
  return { parts, looks: () => looks };
}
