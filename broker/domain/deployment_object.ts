import { faultText, parseBundle } from "$lib/bundle.ts";
import { Failure } from "$lib/error.ts";
import { sha256Hex } from "$lib/ids.ts";

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
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A checked submission, ready for the store. */
export interface Submission {
  readonly stackId: string;
  readonly yamlContent: string;
  readonly yamlChecksum: string;
  readonly isDeletionMarker: boolean;
  /** The W3C trace context of the request that submitted it. */
  readonly traceparent?: string;
}

/**
 * Checks a submission and adds its checksum. A deletion marker may be empty.
 *
 * @throws {Failure} `invalid_deployment_object` with every fault, its document and line, in `details.errors`.
 */
export async function readSubmission(submission: Omit<Submission, "yamlChecksum">): Promise<Submission> {
  const { yamlContent, isDeletionMarker } = submission;
  const { manifests, faults } = parseBundle(yamlContent);
  if (faults.length > 0) throw refused(faults.map(faultText).join("; "), { errors: faults });
  if (manifests.length === 0 && !isDeletionMarker) throw refused("it has no document with content");
  return { ...submission, yamlChecksum: await sha256Hex(yamlContent) };
}

function refused(why: string, details: Record<string, unknown> = {}): Failure {
  return new Failure("invalid_deployment_object", `Cannot accept the deployment object: ${why}`, { details });
}
