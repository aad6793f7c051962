import { z } from "zod";
import { Failure } from "$lib/error.ts";
import { DeploymentObject, RollbackRequest, StackSubmission } from "$lib/wire/stack.ts";
import { mayChangeStack } from "../domain/access.ts";
import type { Store } from "../store/mod.ts";
import type { PastSubmission } from "../store/stack_history.ts";
import { submitBundle } from "./deployment_objects.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { IdPath, PageQuery } from "./shapes.ts";

const STACK = "/api/v1/stacks/{id}";

const list = endpoint({
  method: "get",
  path: `${STACK}/history`,
  roles: ["admin", "generator"],
  summary: "What was submitted to a stack, newest first, by whom, and with how many agents it is by now",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(StackSubmission) },
  handle: async ({ params: { id }, query, caller, limits }, { stacks, stackHistory }) => {
    mayChangeStack(caller, await stacks.get(id));
    return mapPage(await stackHistory.list(id, limits, query), submissionBody);
  },
});

const rollback = endpoint({
  method: "post",
  path: `${STACK}/rollback`,
  roles: ["admin", "generator"],
  summary: "Submit again what was submitted before, by its sequence_id, as a new deployment object",
  params: IdPath,
  body: { shape: RollbackRequest },
  answers: { 201: DeploymentObject },
  handle: async ({ params: { id: stackId }, body: { sequence_id: sequenceId }, ...asked }, store) => {
    mayChangeStack(asked.caller, await store.stacks.get(stackId));
    const yamlContent = await bodyOfSubmission({ stackId, sequenceId }, store);
    return await submitBundle({ stackId, yamlContent, isDeletionMarker: false }, { ...asked, objects: store.objects });
  },
});

/** What was submitted to a stack, and the way back. */
export const STACK_HISTORY = [list, rollback] as const;

function submissionBody(
  { object, submittedBy, settledAt, ...counts }: PastSubmission,
): z.input<typeof StackSubmission> {
  return {
    id: object.id,
    sequence_id: object.sequenceId,
    yaml_checksum: object.yamlChecksum,
    size_bytes: object.isBodyKept ? object.sizeBytes : null,
    is_deletion_marker: object.isDeletionMarker,
    body_kept: object.isBodyKept,
    submitted_at: object.submittedAt.toISOString(),
    submitted_by: submittedBy === undefined ? null : { id: null, name: null, ...submittedBy },
    settled_at: settledAt?.toISOString() ?? null,
    agents_desired: counts.desired,
    agents_applied: counts.applied,
    agents_healthy: counts.healthy,
    agents_failed: counts.failed,
  };
}

/** Which submission of a stack. */
export interface SubmissionOfStack {
  readonly stackId: string;
  readonly sequenceId: number;
}

/**
 * What to submit again to roll back.
 *
 * @throws {Failure} `deployment_object_not_found`; `invalid_deployment_object` for a deletion marker; `body_not_kept`.
 */
export async function bodyOfSubmission(
  { stackId, sequenceId }: SubmissionOfStack,
  { stackHistory, objects }: Pick<Store, "stackHistory" | "objects">,
): Promise<string> {
  const head = await stackHistory.find(stackId, sequenceId);
  const what = `Cannot roll back to submission ${sequenceId}`;
  if (head.isDeletionMarker) {
    throw new Failure(
      "invalid_deployment_object",
      `${what}: it is a deletion marker; submit one to have all removed`,
    );
  }
  const yamlContent = head.isBodyKept ? (await objects.bodies([head.id])).get(head.id) : undefined;
  if (yamlContent !== undefined) return yamlContent;
  throw new Failure("body_not_kept", `${what}: its body was not kept (broker.deployment_objects_kept)`);
}
