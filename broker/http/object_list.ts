import type { DeploymentObject, ObjectHead } from "../domain/deployment_object.ts";
import { Failure } from "$lib/error.ts";
import type { DeploymentObject as ObjectShape } from "$lib/wire/stack.ts";
import type { z } from "zod";
import type { DeploymentObjectStore, Page } from "../store/mod.ts";
import { pageHeaders } from "./reply.ts";

type ObjectBody = z.input<typeof ObjectShape>;

/** What is read, and kept in memory, at once; one larger object is, too. */
const BATCH_BYTES = 256 * 1024;

/** What answering with deployment objects needs. */
export interface ObjectListParts {
  readonly request: Request;
  readonly objects: Pick<DeploymentObjectStore, "bodies">;
  /** Sends what is too long to be made at once. */
  readonly sendLong: SendLong;
}

/** Answers with pieces of text, each made when it is read. */
export type SendLong = (
  pieces: AsyncIterable<string>,
  headers: Readonly<Record<string, string>>,
  status?: number,
) => Promise<Response>;

/** The objects of a page with their manifests: at once where these are short, else batch by batch as they are read. */
export async function objectList(
  { items: heads, next }: Page<ObjectHead>,
  { request, objects, sendLong }: ObjectListParts,
): Promise<Page<ObjectBody> | Response> {
  const batches = batchesOf(heads);
  if (batches.length <= 1 && !isLong(sizeOf(heads))) {
    return { items: (await withBodies(heads, objects)).map(objectBody), next };
  }
  const headers = pageHeaders(next, request);
  return request.method === "HEAD" ? new Response(undefined, { headers }) : await sendLong(written(), headers);

  async function* written(): AsyncGenerator<string> {
    for (const [at, batch] of batches.entries()) {
      const whole = await withBodies(batch, objects);
      yield (at === 0 ? "[" : ",") + whole.map((object) => JSON.stringify(objectBody(object))).join(",");
    }
    yield "]";
  }
}

/** How one deployment object is answered. */
export interface ObjectAnswer {
  readonly head: ObjectHead;
  readonly write: (object: DeploymentObject) => string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status?: number;
}

/** Whether so many bytes are read, and kept in memory, only when it is the caller's turn. */
export function isLong(bytes: number): boolean {
  return bytes > BATCH_BYTES;
}

/** One object with its manifests: at once where these are short, else when it is the caller's turn. */
export async function oneObject(
  { head, write, headers, status = 200 }: ObjectAnswer,
  { request, objects, sendLong }: ObjectListParts,
): Promise<Response> {
  if (!isLong(head.sizeBytes)) return new Response(await text(), { status, headers });
  return request.method === "HEAD" ? new Response(undefined, { headers }) : await sendLong(pieces(), headers, status);

  async function text(): Promise<string> {
    return (await withBodies([head], objects)).map(write).join("");
  }
  async function* pieces(): AsyncGenerator<string> {
    yield await text();
  }
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

/** @throws {Failure} `unavailable` when retention has taken one away meanwhile: nothing may look as if that were all. */
async function withBodies(
  heads: readonly ObjectHead[],
  objects: Pick<DeploymentObjectStore, "bodies">,
): Promise<readonly DeploymentObject[]> {
  const kept = heads.filter(({ isBodyKept }) => isBodyKept).map(({ id }) => id);
  const bodies = kept.length === 0 ? new Map<string, string>() : await objects.bodies(kept);
  return heads.map((head) => {
    const yamlContent = head.isBodyKept ? bodies.get(head.id) : "";
    if (yamlContent !== undefined) return { ...head, yamlContent };
    throw new Failure("unavailable", `Cannot read deployment object "${head.id}": its body has just been deleted`);
  });
}

/** A deployment object as the API shows it. */
export function objectBody(object: DeploymentObject): ObjectBody {
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
