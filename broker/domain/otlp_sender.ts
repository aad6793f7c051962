import { Failure } from "$lib/error.ts";
import { forEachField, NoProtobuf } from "$lib/wire/protobuf.ts";
import { AGENT_ID_ATTRIBUTE } from "$lib/wire/agent.ts";

/** Field numbers of `opentelemetry.proto`: the three signals' requests have them in common as far as this goes. */
const GROUPS_OF_REQUEST = 1;
const RESOURCE_OF_GROUP = 1;
const ATTRIBUTES_OF_RESOURCE = 1;
const KEY_OF_ATTRIBUTE = 1;
const VALUE_OF_ATTRIBUTE = 2;
const TEXT_OF_VALUE = 1;

const KEY = new TextEncoder().encode(AGENT_ID_ATTRIBUTE);

/**
 * Reads of an OTLP request in protobuf whose it is, and nothing else: spans, points and log lines are passed over by
 * their lengths. What a receiver might read another way than this does (a field twice, an id twice) is refused.
 *
 * @throws {Failure} `agent_pak_mismatch` where a Resource is not, or not only, that of the agent;
 * `invalid_request_body` for what is no such request.
 */
export function mustBeSentBy(agentId: string, bytes: Uint8Array): void {
  try {
    mustBeOf(new TextEncoder().encode(agentId), bytes);
  } catch (error) {
    throw error instanceof NoProtobuf ? malformed() : error;
  }
}

function mustBeOf(id: Uint8Array, bytes: Uint8Array): void {
  forEachField(bytes, (field, group) => {
    if (field !== GROUPS_OF_REQUEST) return;
    const resource = only(RESOURCE_OF_GROUP, bytesOf(group));
    if (resource !== undefined && isOf(id, resource)) return;
    throw new Failure(
      "agent_pak_mismatch",
      `Cannot take the telemetry: it is not that of the agent alone (${AGENT_ID_ATTRIBUTE} of each Resource)`,
    );
  });
}

function isOf(id: Uint8Array, resource: Uint8Array): boolean {
  let found = 0;
  let own = 0;
  forEachField(resource, (field, given) => {
    if (field !== ATTRIBUTES_OF_RESOURCE) return;
    const attribute = bytesOf(given);
    const key = only(KEY_OF_ATTRIBUTE, attribute);
    if (key === undefined || !isSame(key, KEY)) return;
    found += 1;
    const value = only(VALUE_OF_ATTRIBUTE, attribute);
    if (value !== undefined && isText(value, id)) own += 1;
  });
  return found === 1 && own === 1;
}

/** Whether the value is this text: of a value's fields, which exclude each other, a receiver takes the last. */
function isText(value: Uint8Array, wanted: Uint8Array): boolean {
  let fields = 0;
  forEachField(value, () => fields += 1);
  const text = only(TEXT_OF_VALUE, value);
  return fields === 1 && text !== undefined && isSame(text, wanted);
}

/** The bytes of a field that a message has once. */
function only(wanted: number, bytes: Uint8Array): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  forEachField(bytes, (field, value) => {
    if (field !== wanted) return;
    if (found !== undefined) throw new NoProtobuf();
    found = bytesOf(value);
  });
  return found;
}

function bytesOf(value: Uint8Array | undefined): Uint8Array {
  if (value === undefined) throw new NoProtobuf();
  return value;
}

function isSame(some: Uint8Array, others: Uint8Array): boolean {
  return some.length === others.length && some.every((byte, index) => byte === others[index]);
}

function malformed(): Failure {
  return new Failure("invalid_request_body", "Cannot read the body: it is no OTLP request in protobuf");
}
