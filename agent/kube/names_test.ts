import assert from "node:assert/strict";
import { applySetId, groupKindText, objectKey, parseGroupKind } from "./names.ts";

Deno.test("applySetId() is the id of KEP-3659: the base64url SHA-256 of name, namespace, kind and group", async () => {
  const hash = await expectedHash("parent.ns.ConfigMap.");

  assert.equal(await applySetId("parent", "ns"), `applyset-${hash}-v1`);
});

async function expectedHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const base64 = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

Deno.test("parseGroupKind() reads what groupKindText() writes, for the core and for groups with dots", () => {
  for (const text of ["ConfigMap", "Deployment.apps", "Role.rbac.authorization.k8s.io"]) {
    assert.equal(groupKindText(parseGroupKind(text)), text);
  }
});

Deno.test("objectKey() tells a missing namespace from one of another object's name", () => {
  const kind = { group: "", kind: "X" };

  assert.notEqual(objectKey(kind, { namespace: "a", name: "b" }), objectKey(kind, { name: "a" }));
});
