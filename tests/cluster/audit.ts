/** One request that the API server answered, as its audit log tells it. */
export interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly stage: string;
  readonly auditID: string;
  readonly responseStatus?: { readonly code?: number };
  readonly user?: { readonly username?: string };
  /** As whom the user acted, where it was somebody else. */
  readonly impersonatedUser?: { readonly username?: string };
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

/** The policy: every request once, without bodies: when its response is complete, a watch when that has begun. */
export const AUDIT_POLICY = JSON.stringify({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  rules: [
    { level: "Metadata", verbs: ["watch"], omitStages: ["RequestReceived", "ResponseComplete", "Panic"] },
    { level: "Metadata", omitStages: ["RequestReceived", "ResponseStarted", "Panic"] },
  ],
});

/**
 * Every request answered so far, in the order of the answers. A watch appears when it opens, and a request a moment
 * after its client has the answer: wait for what you count.
 */
export async function readAudit({ auditLogPath }: { readonly auditLogPath: string }): Promise<AuditEvent[]> {
  const text = await Deno.readTextFile(auditLogPath);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as AuditEvent);
}

/** What a request was, as the simulated cluster's `requests` say it too. */
export interface RequestSeen {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  readonly userAgent: string;
  /** As whom the client acted. */
  readonly user: string;
  readonly manager?: string;
  readonly isDryRun: boolean;
  readonly status: number;
}

/** An event of the log in the words of the simulated cluster, so that one test can count on both. */
export function requestSeen(event: AuditEvent): RequestSeen {
  const { verb, objectRef, requestURI, userAgent = "", responseStatus, user, impersonatedUser } = event;
  const query = new URL(requestURI, "http://audit").searchParams;
  const manager = query.get("fieldManager");
  const { resource, namespace, name, subresource, apiGroup = "" } = objectRef ?? {};
  return {
    verb,
    ...(resource === undefined ? {} : { group: apiGroup, resource, namespace, name, subresource }),
    userAgent,
    user: impersonatedUser?.username ?? user?.username ?? "",
    ...(manager === null ? {} : { manager }),
    isDryRun: query.has("dryRun"),
    status: responseStatus?.code ?? 0,
  };
}
