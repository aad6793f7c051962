import { z } from "zod";
import { KeptName, Name, Tag, TagValue, Time, Uuid } from "./common.ts";

/** What an agent does about a difference between deployment objects: puts it right, reports it, or does not look. */
export const DriftPolicy = z.enum(["repair", "report", "off"]);
/** The type of the shape of the same name. */
export type DriftPolicy = z.infer<typeof DriftPolicy>;

/** The namespace of a stack's objects that name none: a DNS label, as Kubernetes wants it. */
export const DefaultNamespace = z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/, "must be a DNS label");

/** A named unit of delivery. */
export const Stack = z.object({
  id: Uuid,
  name: z.string(),
  description: z.string().nullable(),
  generator_id: Uuid,
  /** Agents write nothing for it, its removal included. */
  suspended: z.boolean(),
  drift: DriftPolicy,
  default_namespace: DefaultNamespace.nullable(),
  created_at: Time,
  updated_at: Time,
  deleted_at: Time.nullable(),
}).meta({ id: "Stack" });

/** The fields of a stack's policy in a request, which a client may leave out. */
const POLICY = {
  suspended: z.boolean().optional(),
  drift: DriftPolicy.optional(),
  default_namespace: DefaultNamespace.nullish(),
};

/** A stack to make. */
export const NewStack = z.object({
  name: Name,
  description: z.string().max(4096).nullish(),
  generator_id: Uuid,
  ...POLICY,
}).meta({ id: "NewStack" });

/**
 * What of a stack `PUT` changes; `generator_id`, when given, must be what it is. A policy that is left out stays:
 * clients of old know of none, and send back what they have read.
 */
export const UpdateStackRequest = z.looseObject({
  id: Uuid.optional(),
  name: KeptName,
  description: z.string().max(4096).nullish(),
  generator_id: Uuid.optional(),
  ...POLICY,
}).meta({ id: "UpdateStackRequest" });

/** A label of a stack. */
export const StackLabel = z.object({ id: Uuid, stack_id: Uuid, label: z.string() }).meta({ id: "StackLabel" });
/** A label to add: the body is the JSON string itself. */
export const NewStackLabel = Tag;

/** An annotation of a stack. */
export const StackAnnotation = z.object({ id: Uuid, stack_id: Uuid, key: z.string(), value: z.string() })
  .meta({ id: "StackAnnotation" });
/** An annotation to add. */
export const NewStackAnnotation = z.object({ stack_id: Uuid, key: Tag, value: TagValue }).meta({
  id: "NewStackAnnotation",
});

/** One immutable submission to a stack. */
export const DeploymentObject = z.object({
  id: Uuid,
  sequence_id: z.int(),
  stack_id: Uuid,
  yaml_content: z.string(),
  yaml_checksum: z.string(),
  submitted_at: Time,
  is_deletion_marker: z.boolean(),
  /** False where retention has taken the content, which is empty then; absent else. */
  body_kept: z.boolean().optional(),
  created_at: Time,
  updated_at: Time,
  deleted_at: Time.nullable(),
}).meta({ id: "DeploymentObject" });
/** The type of the shape of the same name. */
export type DeploymentObject = z.infer<typeof DeploymentObject>;

/** A submission to a stack, and what became of it by now. */
export const StackSubmission = z.object({
  id: Uuid,
  sequence_id: z.int(),
  yaml_checksum: z.string(),
  /** Null where retention has taken the body. */
  size_bytes: z.int().nullable(),
  is_deletion_marker: z.boolean(),
  body_kept: z.boolean(),
  submitted_at: Time,
  /** Who: without an id the admin at the broker's own socket. */
  submitted_by: z.object({ role: z.string(), id: Uuid.nullable(), name: z.string().nullable() }).nullable(),
  /** When all its agents were told, or are to be. */
  settled_at: Time.nullable(),
  /** Agents that are to have it. */
  agents_desired: z.int(),
  agents_applied: z.int(),
  agents_healthy: z.int(),
  agents_failed: z.int(),
}).meta({ id: "StackSubmission" });

/** Which submission of a stack is to be submitted again. */
export const RollbackRequest = z.object({ sequence_id: z.int().min(0) }).meta({ id: "RollbackRequest" });

/** A submission as JSON; the raw YAML as the body says the same. */
export const CreateDeploymentObjectRequest = z.object({
  yaml_content: z.string(),
  is_deletion_marker: z.boolean().optional(),
}).meta({ id: "CreateDeploymentObjectRequest" });
