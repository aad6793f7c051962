/**
 * Every code a failure can carry, with the HTTP status that the broker answers it with.
 * The codes and statuses of the API are contracts with existing clients.
 */
export const STATUS_OF = {
  agent_id_mismatch: 400,
  invalid_agent: 400,
  invalid_annotation: 400,
  invalid_deployment_object: 400,
  invalid_generator_id: 400,
  invalid_label: 400,
  invalid_parameters: 400,
  missing_agent_id: 400,
  name_and_cluster_required: 400,
  stack_id_mismatch: 400,
  unauthorized: 401,
  admin_required: 403,
  agent_not_associated: 403,
  agent_not_registered: 403,
  agent_pak_mismatch: 403,
  agent_pak_required: 403,
  cannot_delete_system_generator: 403,
  forbidden: 403,
  generator_not_associated: 403,
  generator_not_owned: 403,
  generator_required: 403,
  not_authorized: 403,
  stack_create_denied: 403,
  stack_generator_mismatch: 403,
  stack_not_accessible: 403,
  stack_not_owned: 403,
  stacks_list_denied: 403,
  system_generator_not_a_tenant: 403,
  target_create_denied: 403,
  target_generator_mismatch: 403,
  agent_annotation_not_found: 404,
  agent_event_not_found: 404,
  agent_label_not_found: 404,
  agent_not_found: 404,
  agent_target_not_found: 404,
  delivery_not_found: 404,
  deployment_object_not_found: 404,
  generator_not_found: 404,
  not_found: 404,
  stack_annotation_not_found: 404,
  stack_label_not_found: 404,
  stack_not_found: 404,
  method_not_allowed: 405,
  already_registered: 409,
  body_not_kept: 409,
  nothing_held: 409,
  unique_violation: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_encoding: 415,
  check_violation: 422,
  foreign_key_violation: 422,
  invalid_health_record: 422,
  invalid_request_body: 422,
  not_null_violation: 422,
  telemetry_refused: 422,
  unsupported_field: 422,
  too_many_requests: 429,
  internal_error: 500,
  telemetry_unavailable: 503,
  unavailable: 503,
} as const satisfies Record<string, number>;

/** A code of the broker's API. */
export type ApiErrorCode = keyof typeof STATUS_OF;

/** A failure that never crosses the API: start-up, the agent's side of the wire, the cluster. */
export type LocalErrorCode =
  | "broker_rejected"
  | "broker_unavailable"
  | "cannot_listen"
  | "invalid_settings"
  | "invalid_snapshot"
  | "kubernetes_rejected"
  | "kubernetes_unavailable";

/** What a {@linkcode Failure} can be. */
export type ErrorCode = ApiErrorCode | LocalErrorCode;

/** What may accompany a failure: why it came, and facts for its reader. */
export interface FailureOptions extends ErrorOptions {
  /** Facts beside the message, such as every fault of a bad body. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An expected failure, with a code; any other error is a bug. Message: "Cannot <do what>: <state now>". */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: FailureOptions = {}) {
    super(message, options);
    this.code = code;
    this.details = options.details;
  }
}

/** Whether `error` is a {@linkcode Failure} with one of `codes`. */
export function isFailure(error: unknown, ...codes: readonly ErrorCode[]): error is Failure {
  return error instanceof Failure && (codes.length === 0 || codes.includes(error.code));
}

/** The message of anything thrown, for a log field or a report; never its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const SHOWN_MAX = 200;

/**
 * Text from outside as a message may repeat it: its first `max` characters, 200, and three points where there are more.
 */
export function shortened(text: string, max = SHOWN_MAX): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}

/** {@linkcode shortened} text, in quotes. */
export function quoted(text: string): string {
  return `"${shortened(text)}"`;
}
