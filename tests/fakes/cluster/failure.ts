import type { JsonObject } from "./json.ts";
import type { ResourceType } from "./resources.ts";

/** One reason why an object is refused. */
export type Cause = { reason: string; message: string; field: string };

/** A refusal that the server words as a `Status` object. */
export class ApiFailure extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** The `Status` object that the client reads. */
  status(): JsonObject {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      ...(this.reason === "" ? {} : { reason: this.reason }),
      details: this.details,
      code: this.code,
    };
  }
}

/** 404 for a path outside all known groups, which the real server answers as plain text. */
export class NoSuchPath extends Error {}

/** 404 for a path that a known group does not have. */
export function noSuchResource(): ApiFailure {
  return new ApiFailure(404, "NotFound", "the server could not find the requested resource", {});
}

/** 404: there is no such object. */
export function notFound(type: ResourceType, name: string): ApiFailure {
  return new ApiFailure(404, "NotFound", `${qualified(type)} "${name}" not found`, details(type, name));
}

/** 409: an object of this name is already there. */
export function alreadyExists(type: ResourceType, name: string, isGoing = false): ApiFailure {
  const message = `${isGoing ? "object is being deleted: " : ""}${qualified(type)} "${name}" already exists`;
  return new ApiFailure(409, "AlreadyExists", message, details(type, name));
}

/** 409: the object is not in the state that the request assumed. */
export function conflict(type: ResourceType, name: string, why: string): ApiFailure {
  const message = `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${why}`;
  return new ApiFailure(409, "Conflict", message, details(type, name));
}

/** 409: the object was written since the client read it. */
export function outdated(type: ResourceType, name: string): ApiFailure {
  return conflict(
    type,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );
}

/** 403: the request is understood and refused. */
export function forbidden(type: ResourceType, name: string, why: string, causes?: Cause[]): ApiFailure {
  const message = `${qualified(type)} "${name}" is forbidden: ${why}`;
  return new ApiFailure(403, "Forbidden", message, { ...details(type, name), causes });
}

/** 403: a webhook says no. */
export function denied(why: string): ApiFailure {
  return new ApiFailure(403, "Forbidden", `admission webhook "by-hand.example.com" denied the request: ${why}`);
}

/** 422: the object breaks a rule of its kind. */
export function invalid(kind: { group: string; kind: string }, name: string, causes: Cause[]): ApiFailure {
  const subject = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const faults = new Set(causes.map(({ field, message }) => `${field}: ${message}`));
  const list = faults.size === 1 ? [...faults].join() : `[${[...faults].join(", ")}]`;
  return new ApiFailure(422, "Invalid", `${subject} "${name}" is invalid: ${list}`, {
    ...(name === "" ? {} : { name }),
    ...(kind.group === "" ? {} : { group: kind.group }),
    ...(kind.kind === "" ? {} : { kind: kind.kind }),
    causes,
  });
}

/** 400: the request cannot be understood. */
export function badRequest(message: string): ApiFailure {
  return new ApiFailure(400, "BadRequest", message);
}

/** 405: the resource is there, the verb is not. */
export function methodNotAllowed(): ApiFailure {
  return new ApiFailure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

/** 415: the body has a media type that the verb does not take. */
export function unsupportedMediaType(accepted: readonly string[]): ApiFailure {
  const message = `the body of the request was in an unknown format - accepted media types include: ${
    accepted.join(", ")
  }`;
  return new ApiFailure(415, "UnsupportedMediaType", message);
}

/** 410: what the client remembers is too old. */
export function expired(message: string): ApiFailure {
  return new ApiFailure(410, "Expired", message);
}

/** `deployments.apps`, or `pods` for the core group. */
function qualified(type: ResourceType): string {
  return type.group === "" ? type.plural : `${type.plural}.${type.group}`;
}

function details(type: ResourceType, name: string): JsonObject {
  return type.group === "" ? { name, kind: type.plural } : { name, group: type.group, kind: type.plural };
}
