import { z } from "zod";
import { type Clock, systemClock } from "$lib/clock.ts";
import { shortened, STATUS_OF } from "$lib/error.ts";
import { ErrorResponse } from "$lib/wire/common.ts";
import { ENDPOINTS } from "../../broker/http/endpoints.ts";
import { openApiDocument } from "../../broker/http/openapi.ts";
import type { OpenApiDocument } from "../../broker/http/openapi_document.ts";
import { HeldRequests } from "../../broker/http/held_requests.ts";
import { openStore } from "../../broker/store/open.ts";
import { type ApiAnswer, apiOver } from "../fakes/api_world.ts";
import { postgresDatabase } from "../fakes/databases.ts";
import { fc } from "../fakes/fast_check.ts";
import { silentLog } from "../fakes/silent_log.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { LivingWorld } from "./living_world.ts";
import { anyRequest, type Fuzzed } from "./requests.ts";

/** After so many requests the world begins anew, in another database: what they made is gone. */
const WORLD_MAX = 2_000;

/** How a run of many requests goes. */
export interface FuzzOptions {
  readonly requests: number;
  /** The same seed asks for the same, but for the ids in it. */
  readonly seed: number;
  /** Hears after each world how many requests are done. */
  readonly onProgress?: (done: number) => void;
}

/** What became of a run. */
export interface FuzzResult {
  /** How often each status was answered. */
  readonly counts: ReadonlyMap<number, number>;
  /** How many were of somebody who may ask, and what may be asked: the store was asked, at least. */
  readonly deep: number;
  /** The operations that did what they are for, by their ids. */
  readonly done: ReadonlySet<string>;
  readonly slowestMs: number;
}

/** What is answered without a look at what there is. */
const SHALLOW = new Set([400, 401, 403, 405, 413, 414, 415, 422]);

/** Every label that a request may be counted under. */
const TEMPLATES = new Set(["unmatched", ...ENDPOINTS.map(({ path }) => path.replaceAll(/\{(\w+)\}/g, ":$1"))]);

/**
 * Asks the API for anything, and throws for the first answer that it may not give: a 500, a status that its document
 * does not list, an error of another shape or with a code of another status, one that is counted under a label of its
 * own.
 */
export async function fuzz(
  server: PostgresServer,
  { requests, seed, onProgress = () => {} }: FuzzOptions,
): Promise<FuzzResult> {
  const description = openApiDocument(ENDPOINTS);
  const result = { counts: new Map<number, number>(), deep: 0, done: new Set<string>(), slowestMs: 0 };
  for (let done = 0; done < requests;) {
    const many = Math.min(WORLD_MAX, requests - done);
    await using held = await postgresDatabase({ server });
    await fuzzWorld(held.database, { description, seed: seed + done, many, result });
    done += many;
    onProgress(done);
  }
  return result;
}

interface WorldRun {
  readonly description: OpenApiDocument;
  readonly seed: number;
  readonly many: number;
  readonly result: {
    readonly counts: Map<number, number>;
    readonly done: Set<string>;
    deep: number;
    slowestMs: number;
  };
}

async function fuzzWorld(
  database: Parameters<typeof openStore>[0],
  { description, seed, many, result }: WorldRun,
): Promise<void> {
  const bugs: unknown[] = [];
  const store = openStore(database);
  const world = await LivingWorld.begin(store);
  const ask = apiOver(store, {
    log: { ...silentLog(), error: (_, fields) => bugs.push(fields?.error) },
    held: new HeldRequests({ clock: atOnce(), random: () => 0.5, wakeSpreadMs: 0, inFlight: () => 0 }),
  });
  for (const made of fc.sample(anyRequest(description), { seed, numRuns: many })) {
    const fuzzed = { ...made, asking: world.bound(made.asking, made.keyOf) };
    const startMs = performance.now();
    const answer = await ask(fuzzed.asking);
    result.slowestMs = Math.max(result.slowestMs, performance.now() - startMs);
    if (bugs.length > 0) throw new Error(`A bug: ${said(fuzzed, answer)}`, { cause: bugs[0] });
    mustBeListed(fuzzed, answer);
    note(fuzzed, answer, result);
    await world.follow(fuzzed.asking, fuzzed.keyOf, answer);
  }
}

function note({ operation }: Fuzzed, { status, endpoint }: ApiAnswer, result: WorldRun["result"]): void {
  result.counts.set(status, (result.counts.get(status) ?? 0) + 1);
  if (endpoint === "unmatched" || SHALLOW.has(status)) return;
  result.deep += 1;
  if (status < 400) result.done.add(operation.operationId);
}

/** A clock by which what is held has waited long enough at once. */
function atOnce(): Clock {
  const clock = systemClock();
  return { ...clock, after: (_, work) => clock.after(0, work) };
}

function mustBeListed(fuzzed: Fuzzed, answer: ApiAnswer): void {
  const { status, body, endpoint } = answer;
  // What names another path by its dots is another's request, or nobody's.
  const isElsewhere = endpoint === "unmatched" || status === 405;
  const isListed = isElsewhere || String(status) in fuzzed.operation.responses;
  if (!isListed) throw new Error(`An unlisted status: ${said(fuzzed, answer)}`);
  if (!TEMPLATES.has(endpoint)) throw new Error(`A label of its own, ${endpoint}: ${said(fuzzed, answer)}`);
  if (status < 400) return;
  const error = z.strictObject(ErrorResponse.shape).safeParse(body);
  const isOfStatus = error.success && (STATUS_OF as Readonly<Record<string, number>>)[error.data.code] === status;
  if (!isOfStatus) throw new Error(`Another shape: ${said(fuzzed, answer)}`);
}

function said({ asking: { method, path, body } }: Fuzzed, { status, text }: ApiAnswer): string {
  return `${method} ${shortened(path)} ${shortened(String(body))}: ${status} ${shortened(text)}`;
}
