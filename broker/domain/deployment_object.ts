import { faultText } from "$lib/bundle.ts";
import { Failure } from "$lib/error.ts";
import { sha256Hex } from "$lib/ids.ts";
import type { OwnedStack } from "./access.ts";
import type { BundleVerdict } from "./bundle_verdict.ts";

/** One immutable submission to a stack. */
export interface DeploymentObject {
  readonly id: string;
  /** Grows with every submission to any stack: the newest live one of a stack is its desired state. */
  readonly sequenceId: number;
  readonly stackId: string;
  readonly yamlContent: string;
  /** Lower-case hex SHA-256 of the raw bytes. */
  readonly yamlChecksum: string;
  readonly submittedAt: Date;
  readonly isDeletionMarker: boolean;
  /** False once retention has taken the content, which is empty then. */
  readonly isBodyKept: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A deployment object without its manifests, which may be long. */
export interface ObjectHead extends Omit<DeploymentObject, "yamlContent"> {
  /** Of its manifests. */
  readonly sizeBytes: number;
}

/** A deployment object with whose it is. */
export interface OwnedObject {
  readonly head: ObjectHead;
  readonly stack: OwnedStack;
  /** Whether the agent that it was looked up for is associated with the stack. */
  readonly isAssociated: boolean;
}

/** What makes a submission that is sent again be known again, whatever was submitted since: for 24 h. */
export interface IdempotencyKey {
  /** Whoever sends it has keys of its own: a role and an id. */
  readonly caller: string;
  readonly key: string;
}

/** What became of a submission. */
export interface SubmitOutcome {
  readonly object: DeploymentObject;
  /** It was there already, and nothing was written. */
  readonly isUnchanged: boolean;
}

/** A checked submission, ready for the store. */
export interface Submission {
  readonly stackId: string;
  readonly yamlContent: string;
  readonly yamlChecksum: string;
  readonly isDeletionMarker: boolean;
  /** Whose key it came with: a role and an id. */
  readonly submittedBy?: string;
  /** The W3C trace context of the request that submitted it. */
  readonly traceparent?: string;
  /** What vendors have to say of it. */
  readonly tracestate?: string;
  readonly idempotency?: IdempotencyKey;
}

/**
 * Checks a submission by what parsing its content found, and adds its checksum. A deletion marker may be empty.
 *
 * @throws {Failure} `invalid_deployment_object` with the verdict's faults, document and line each, in `details.errors`.
 */
export async function readSubmission(
  submission: Omit<Submission, "yamlChecksum">,
  verdict: BundleVerdict,
): Promise<Submission> {
  if (verdict.faults.length > 0) throw refused(faultsText(verdict), { errors: verdict.faults });
  if (!verdict.hasManifests && !submission.isDeletionMarker) throw refused("it has no manifest");
  return { ...submission, yamlChecksum: await sha256Hex(submission.yamlContent) };
}

function faultsText({ faults, furtherFaults }: BundleVerdict): string {
  const named = faults.map(faultText).join("; ");
  return furtherFaults === 0 ? named : `${named}; and ${furtherFaults} more`;
}

function refused(why: string, details: Record<string, unknown> = {}): Failure {
  return new Failure("invalid_deployment_object", `Cannot accept the deployment object: ${why}`, { details });
}
