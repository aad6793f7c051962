import { Buffer } from "node:buffer";
import { makeAuthority } from "./certificates.ts";

/** A webhook that is asked and never answers. */
export interface SilentWebhook extends AsyncDisposable {
  /** What makes an API server ask it about every ConfigMap of these namespaces, and wait for `timeoutSeconds`. */
  configuration(namespaces: readonly string[], timeoutSeconds: number): unknown;
  /** How often it was asked. */
  readonly asked: number;
}

/** Starts one on a free port of loopback. */
export async function startSilentWebhook(): Promise<SilentWebhook> {
  const authority = await makeAuthority("silent");
  const stopping = new AbortController();
  let asked = 0;
  const server = Deno.serve({
    ...{ hostname: "127.0.0.1", port: 0, onListen() {}, signal: stopping.signal },
    ...await authority.issue(),
  }, () => {
    asked += 1;
    return new Promise<Response>(() => {});
  });
  return {
    configuration: (namespaces, timeoutSeconds) => ({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "silent.example.com" },
      webhooks: [{
        name: "silent.example.com",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
        timeoutSeconds,
        clientConfig: {
          url: `https://127.0.0.1:${server.addr.port}/`,
          caBundle: Buffer.from(authority.cert).toString("base64"),
        },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] }],
        namespaceSelector: {
          matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: namespaces }],
        },
      }],
    }),
    get asked() {
      return asked;
    },
    [Symbol.asyncDispose]() {
      stopping.abort();
      return Promise.resolve();
    },
  };
}
