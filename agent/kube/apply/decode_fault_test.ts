import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { faultText } from "./decode_fault.ts";

function textOf(why: string, fields: Readonly<Record<string, unknown>>): string {
  const object = { apiVersion: "v1", metadata: { name: "a" }, ...fields } as KubernetesObject;
  const into = `unable to convert unstructured object to ${object.apiVersion}, Kind=${object.kind}: `;
  const message = `failed to convert new object (n/a; /v1, Kind=${object.kind}) to proper version: ${into}${why}`;
  return faultText(new Failure("kubernetes_rejected", "Cannot apply it", { details: { message } }), object);
}

const BASE64 = "error decoding from json: illegal base64 data at input byte 3";
const QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)$'";
const TIME = 'parsing time "soon" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "soon" as "2006"';

Deno.test("faultText() names every key of bytes that are no base64, in whatever kind, and no value", () => {
  const wrong = "hun!er2";
  const webhooks = [{ name: "w", clientConfig: { caBundle: wrong } }, {
    name: "x",
    clientConfig: { caBundle: "eA==" },
  }];
  const spec = { conversion: { webhook: { clientConfig: { caBundle: wrong } } } };
  const group = "apiextensions.k8s.io/v1";

  assert.deepEqual(
    [
      { kind: "Secret", data: { good: "eA==", bad: wrong, "tls.key": "eA=" } },
      { kind: "ConfigMap", data: { text: wrong }, binaryData: { lines: "eA\n==", bad: wrong } },
      { kind: "ValidatingWebhookConfiguration", webhooks },
      { kind: "CustomResourceDefinition", apiVersion: group, spec },
      { kind: "APIService", spec: { caBundle: wrong } },
    ].map((object) => textOf(BASE64, object)),
    [
      'data.bad, data["tls.key"]: illegal base64 data at input byte 3',
      "binaryData.bad: illegal base64 data at input byte 3",
      'webhooks[name="w"].clientConfig.caBundle: illegal base64 data at input byte 3',
      "spec.conversion.webhook.clientConfig.caBundle: illegal base64 data at input byte 3",
      "spec.caBundle: illegal base64 data at input byte 3",
    ],
  );
});

Deno.test("faultText() names the amount, the time and the number that can't be read", () => {
  const limits = [{ type: "Container", max: { cpu: "two", memory: "1Gi" } }];
  const container = {
    name: "c",
    env: [{ name: "E", value: "x" }],
    resources: { limits: { cpu: "1e3", memory: "1 G" } },
  };
  const int = "json: cannot unmarshal array into Go value of type int32";

  assert.equal(textOf(QUANTITY, { kind: "LimitRange", spec: { limits } }), `spec.limits[0].max.cpu: ${QUANTITY}`);
  assert.equal(
    textOf(QUANTITY, { kind: "Pod", spec: { containers: [container] } }),
    `spec.containers[name="c"].resources.limits.memory: ${QUANTITY}`,
  );
  assert.equal(textOf(TIME, { kind: "Lease", spec: { renewTime: "soon" } }), `spec.renewTime: ${TIME}`);
  assert.equal(textOf(int, { kind: "Budget", spec: { minAvailable: [1] } }), `spec.minAvailable: ${int}`);
});

Deno.test("faultText() leaves what the API server says where the manifest does not tell the place", () => {
  const other = "json: cannot unmarshal something else";
  const whole = (why: string) => new RegExp(`^failed to convert new object .*${why}$`);

  assert.match(textOf(other, { kind: "Pod" }), whole(other));
  assert.match(textOf(BASE64, { kind: "Secret", data: { good: "eA==" } }), whole(BASE64));
  assert.equal(
    faultText(new Failure("kubernetes_rejected", "Cannot apply it: no"), {} as KubernetesObject),
    "Cannot apply it: no",
  );
});

Deno.test("faultText() names a fraction in the place of a whole number, and no amount beside it", () => {
  const spec = {
    replicas: 1.5,
    template: { spec: { containers: [{ name: "a", resources: { limits: { cpu: 0.5 } } }] } },
  };

  assert.equal(
    textOf("cannot convert float64 to int32", { kind: "Deployment", spec }),
    "spec.replicas: cannot convert float64 to int32",
  );
});
