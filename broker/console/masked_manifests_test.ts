import assert from "node:assert/strict";
import { maskedPair } from "./masked_manifests.ts";

const secret = (kind: string, fields: string) =>
  `apiVersion: v1\nkind: ${kind}\nmetadata: {name: login, namespace: shop}\n${fields}`;

Deno.test("maskedPair() leaves of a Secret's values whether they are the same, and nothing else of them", () => {
  const before = secret("Secret", "data: {a: c2FtZQ==, b: b2xk}\nstringData: {c: old-text}\n# old-comment\n");
  const after = secret("Secret", "data: {a: c2FtZQ==, b: bmV3}\nstringData: {c: new-text, d: more}\n");

  const pair = maskedPair(before, after);

  const [one = "", other = ""] = [pair.before, pair.after].map((side) => side.get("v1 Secret shop/login"));
  assert.doesNotMatch(`${one}${other}`, /c2FtZQ|b2xk|bmV3|text|comment|more/);
  assert.deepEqual(fieldsOf(one), ["a: (masked)", "b: (masked)", "c: (masked)"]);
  assert.deepEqual(fieldsOf(other), [
    "a: (masked)",
    "b: (masked, another value)",
    "c: (masked, another value)",
    "d: (masked)",
  ]);
});

Deno.test("maskedPair() masks Secrets in lists, in other objects, of any shape, and what repeats them", () => {
  const texts = [
    `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: hunter2}}\n`,
    `apiVersion: v1\nkind: SecretList\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: hunter2}}\n`,
    `apiVersion: x/v1\nkind: Carrier\nmetadata: {name: s}\nspec: {items: [{kind: Secret, data: {k: hunter2}}]}\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: [hunter2, {k: hunter2}]\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: hunter2\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: {deep: [hunter2]}}\n`,
    secret("Secret", "data: &d {k: hunter2}\nstringData: *d\n"),
    `apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{"data":{"k":"hunter2"}}'\n`,
  ];
  for (const text of texts) {
    const { before } = maskedPair(text, "");
    const written = [...before.values()].join();
    assert.ok(written.includes("(masked)"), text);
    assert.doesNotMatch(written, /hunter2/, text);
  }
});

Deno.test("maskedPair() writes the same object the same, whatever the order of its keys and the comments about it", () => {
  const { before, after } = maskedPair(
    "# one\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {b: '2', a: '1', n: 12345678901234567890}\n",
    "kind: ConfigMap\napiVersion: v1\ndata:\n  n: 12345678901234567890\n  a: '1'\n  b: '2'\nmetadata:\n  name: a\n",
  );

  assert.deepEqual(before, after);
  assert.match([...before.values()].join(), /12345678901234567890/);
});

function fieldsOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.includes("masked")).map((line) => line.trim());
}
