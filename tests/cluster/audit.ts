/** One request that the API server answered, as its audit log tells it. */
export interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly stage: string;
  readonly auditID: string;
  readonly responseStatus?: { readonly code?: number };
  readonly user?: { readonly username?: string };
  readonly objectRef?: AuditObject;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/** What a request was about. */
export interface AuditObject {
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly subresource?: string;
}

/** The policy: every request once, when its response is complete, without bodies. */
export const AUDIT_POLICY = JSON.stringify({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived", "ResponseStarted", "Panic"],
  rules: [{ level: "Metadata" }],
});

/**
 * Every request answered so far, in the order of the answers. A watch appears when it ends, and a request a moment
 * after its client has the answer: wait for what you count.
 */
export async function readAudit({ auditLogPath }: { readonly auditLogPath: string }): Promise<AuditEvent[]> {
  const text = await Deno.readTextFile(auditLogPath);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as AuditEvent);
}
