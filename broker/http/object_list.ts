import { JSON_TYPE } from "$lib/json.ts";
import { answerOf } from "$lib/serve/long_answer.ts";
import type { DeploymentObject as ObjectShape } from "$lib/wire/stack.ts";
import type { z } from "zod";
import type { DeploymentObject, ObjectHead } from "../domain/deployment_object.ts";
import type { Page } from "../store/mod.ts";
import type { Bodies, Form, ObjectCache } from "./object_cache.ts";
import { pageHeaders } from "./reply.ts";

/** What is read, and kept in memory, at once; one larger object is, too. */
const BATCH_BYTES = 256 * 1024;
const [OPEN, COMMA, CLOSE] = [bytesOf("["), bytesOf(","), bytesOf("]")];

/** As the API shows it. */
export const AS_JSON: Form = { type: JSON_TYPE, write: (object) => JSON.stringify(objectBody(object)) };

/** What answering with deployment objects needs. */
export interface ObjectListParts {
  readonly request: Request;
  readonly objects: Bodies;
  readonly objectCache: ObjectCache;
  /** Sends what is too long to be made at once. */
  readonly sendLong: SendLong;
}

/** Answers with pieces of text, each made when it is read. */
export type SendLong = (
  pieces: AsyncIterable<string | Uint8Array<ArrayBuffer>>,
  headers: Readonly<Record<string, string>>,
  status?: number,
) => Promise<Response>;

/** The objects of a page with their manifests: at once where these are short, else batch by batch as they are read. */
export async function objectList(
  { items: heads, next }: Page<ObjectHead>,
  { request, objects, objectCache, sendLong }: ObjectListParts,
): Promise<Response> {
  const batches = batchesOf(heads);
  const headers = pageHeaders(next, request);
  if (batches.length <= 1 && !isLong(sizeOf(heads))) {
    return answerOf(joined(await Array.fromAsync(written())), { headers });
  }
  return request.method === "HEAD" ? new Response(undefined, { headers }) : await sendLong(written(), headers);

  async function* written(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    yield OPEN;
    for (const [at, batch] of batches.entries()) {
      if (at > 0) yield COMMA;
      const texts = await objectCache.texts(batch, AS_JSON, objects);
      yield joined(texts.flatMap((text, index) => index === 0 ? [text] : [COMMA, text]));
    }
    yield CLOSE;
  }
}

/** How one deployment object is answered. */
export interface ObjectAnswer {
  readonly head: ObjectHead;
  readonly form: Form;
  readonly headers: Readonly<Record<string, string>>;
  readonly status?: number;
}

/** Whether so many bytes are read, and kept in memory, only when it is the caller's turn. */
export function isLong(bytes: number): boolean {
  return bytes > BATCH_BYTES;
}

/** One object with its manifests: at once where these are short, else when it is the caller's turn. */
export async function oneObject(
  { head, form, headers, status = 200 }: ObjectAnswer,
  { request, objects, objectCache, sendLong }: ObjectListParts,
): Promise<Response> {
  const texts = () => objectCache.texts([head], form, objects);
  if (!isLong(head.sizeBytes)) return answerOf(joined(await texts()), { status, headers });
  return request.method === "HEAD" ? new Response(undefined, { headers }) : await sendLong(pieces(), headers, status);

  async function* pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    yield* await texts();
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** All of them as one; a single one as it is, and not copied. */
function joined(texts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [first] = texts;
  if (first !== undefined && texts.length === 1) return first;
  const whole = new Uint8Array(texts.reduce((bytes, { length }) => bytes + length, 0));
  let at = 0;
  for (const text of texts) {
    whole.set(text, at);
    at += text.length;
  }
  return whole;
}

function batchesOf(heads: readonly ObjectHead[]): readonly (readonly ObjectHead[])[] {
  const batches: ObjectHead[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const head of heads) {
    bytes += head.sizeBytes;
    if (bytes > BATCH_BYTES) {
      batches.push([]);
      bytes = head.sizeBytes;
    }
    batches.at(-1)?.push(head);
  }
  return batches;
}

function sizeOf(heads: readonly ObjectHead[]): number {
  return heads.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
}

/** A deployment object as the API shows it. */
function objectBody(object: DeploymentObject): z.input<typeof ObjectShape> {
  return {
    id: object.id,
    sequence_id: object.sequenceId,
    stack_id: object.stackId,
    yaml_content: object.yamlContent,
    yaml_checksum: object.yamlChecksum,
    submitted_at: object.submittedAt.toISOString(),
    is_deletion_marker: object.isDeletionMarker,
    ...(object.isBodyKept ? {} : { body_kept: false }),
    created_at: object.createdAt.toISOString(),
    updated_at: object.updatedAt.toISOString(),
    deleted_at: null,
  };
}
