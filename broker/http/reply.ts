import { sha256Hex } from "$lib/ids.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { answerOf } from "$lib/serve/long_answer.ts";
import type { Page } from "../store/mod.ts";

/** What a handler may give back, whatever its endpoint. */
export type Answer = Response | Page<unknown> | object | string | undefined;

/** How an answer is written: the status of one with a body, and whether it shows one resource. */
export interface AnswerOptions {
  readonly request: Request;
  readonly status: number;
  /** A `GET` of a single resource gets an `ETag`, as a list's does, and 304 when the client has it already. */
  readonly isSingle: boolean;
}

/** Writes what a handler gave back: as it is, as 204, as a list with its `Link`, or as JSON. */
export async function answerWith(answer: Answer, { request, status, isSingle }: AnswerOptions): Promise<Response> {
  if (answer instanceof Response) return answer;
  if (answer === undefined) return new Response(undefined, { status: 204 });
  if (isPage(answer)) return await jsonPage(answer, request);
  const body = JSON.stringify(answer);
  if (!isSingle) return answerOf(body, { status, headers: { "content-type": JSON_TYPE } });
  return conditional(request, { etag: await tagOf(body), body, type: JSON_TYPE });
}

async function tagOf(text: string): Promise<string> {
  return `"${(await sha256Hex(text)).slice(0, ETAG_LENGTH)}"`;
}

const ETAG_LENGTH = 32;

/** An answer that the client may have already: its tag, and what to send when it has not. */
export interface Tagged extends Tag {
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** The body's media type. */
  readonly type: string;
}

interface Tag {
  readonly etag: string;
  /** What 304 says as well as 200. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The answer, or 304 without a body when `If-None-Match` names its tag. */
export function conditional(request: Request, { body, type, ...tag }: Tagged): Response {
  if (isKnown(request, tag.etag)) return notModified(tag);
  return answerOf(body, { headers: { ...tag.headers, etag: tag.etag, "content-type": type } });
}

/** Whether `If-None-Match` names this tag. */
export function isKnown(request: Request, etag: string): boolean {
  const header = request.headers.get("if-none-match");
  if (header === null) return false;
  return header.split(",").map((tag) => tag.trim().replace(/^W\//, "")).some((tag) => tag === etag || tag === "*");
}

/** 304: the client has it already. */
export function notModified({ etag, headers }: Tag): Response {
  const { "content-type": _, ...others } = headers ?? {};
  return new Response(undefined, { status: 304, headers: { ...others, etag } });
}

function isPage(answer: object | string): answer is Page<unknown> {
  return typeof answer === "object" && "items" in answer;
}

/** A list that has grown by a page is another, though its first page reads the same. */
async function jsonPage({ items, next = "" }: Page<unknown>, request: Request): Promise<Response> {
  const body = JSON.stringify(items);
  const headers = pageHeaders(next === "" ? undefined : next, request);
  return conditional(request, { etag: await tagOf(next + body), body, type: JSON_TYPE, headers });
}

/** What is said of a page beside its items: where the next one is. */
export function pageHeaders(next: string | undefined, request: Request): Readonly<Record<string, string>> {
  const headers = { "content-type": JSON_TYPE };
  return next === undefined ? headers : { ...headers, link: `<${addressOf(request, next)}>; rel="next"` };
}

/** Relative to the list itself: behind a proxy the broker knows neither its own name nor its path. */
function addressOf(request: Request, cursor: string): string {
  const { searchParams } = new URL(request.url);
  searchParams.set("cursor", cursor);
  return `?${searchParams}`;
}

/** The page with each of its items written another way. */
export function mapPage<From, To>({ items, next }: Page<From>, write: (item: From) => To): Page<To> {
  return { items: items.map(write), next };
}
