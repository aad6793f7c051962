import { Buffer } from "node:buffer";
import { makeAuthority } from "./certificates.ts";

/** A webhook that refuses whatever it is asked about. */
export interface RefusingWebhook extends AsyncDisposable {
  /** What makes an API server ask it about every ConfigMap of a namespace. */
  configuration(namespace: string): unknown;
}

/** Starts one on a free port of loopback, with these words for whoever is refused. */
export async function startRefusingWebhook(name: string, words: string): Promise<RefusingWebhook> {
  const authority = await makeAuthority("refusing");
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, ...await authority.issue() },
    async (request) => {
      const { apiVersion, kind, request: { uid } } = await request.json();
      return Response.json({ apiVersion, kind, response: { uid, allowed: false, status: { message: words } } });
    },
  );
  return {
    configuration: (namespace) =>
      webhookConfiguration(name, namespace, {
        url: `https://127.0.0.1:${server.addr.port}/`,
        caBundle: Buffer.from(authority.cert).toString("base64"),
      }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/**
 * What makes an API server ask a webhook about every ConfigMap of a namespace that is new or changed, and wait for its
 * word.
 */
export function webhookConfiguration(name: string, namespace: string, clientConfig: object): object {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [{
      name,
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      failurePolicy: "Fail",
      clientConfig,
      rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] }],
      namespaceSelector: {
        matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: [namespace] }],
      },
    }],
  };
}
