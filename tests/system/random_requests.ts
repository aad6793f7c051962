import { newPak } from "$lib/ids.ts";
import { ENDPOINTS } from "../../broker/http/endpoints.ts";

/** A request to send, whatever it means. */
export interface RandomRequest {
  readonly method: string;
  readonly path: string;
  readonly key?: string;
  readonly body?: string;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];
/** Without `/readyz`, whose answer depends on how busy the machine is. */
const TEMPLATES = [
  ...new Set(ENDPOINTS.map(({ path }) => path)),
  ...["/healthz", "/metrics", "/docs", "/docs/openapi.json", "/docs/start.js", "/api/v1/{no}/{where}"],
  ...["/console", "/console/sign-in", "/console/sign-out", "/console/agents/{id}", "/console/agents/{id}/approve"],
  ...[
    "/console/stacks/{id}",
    "/console/stacks/{id}/diff",
    "/console/deliveries/{id}/{stack_id}",
    "/console/assets/{name}",
  ],
];
/** Would replace the admin's key, and every request after it would be refused. */
const ROTATION = "/api/v1/admin/rotate-pak";
const KEYS = ["none", "malformed", "unknown", "admin"] as const;
const BODIES = ["none", "json", "noise", "large"] as const;
const IDS = ["uuid", "noise"] as const;
const QUERIES = ["none", "noise", "nul"] as const;
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz0123456789-_.~%25 {}[]\"':;/\\äß漢"];
/** Larger than the limit that the broker is given. */
export const LARGE_BYTES = 2_048;

/** Always the same: look-ups of ever new ones are delayed. */
const UNKNOWN = newPak();

interface Kind {
  readonly method: string;
  readonly template: string;
  readonly key: (typeof KEYS)[number];
  readonly body: (typeof BODIES)[number];
  readonly ids: (typeof IDS)[number];
  readonly query: (typeof QUERIES)[number];
}

/**
 * A request of every kind, in which the rest is random: every method on every route with every kind of key, and where
 * the key is good with every kind of body, id and query.
 */
export function* everyKind(adminPak: string): Generator<RandomRequest> {
  for (const method of METHODS) {
    for (const template of TEMPLATES) {
      for (const kind of kindsOf(method, template)) yield requestOf(kind, adminPak);
    }
  }
}

function* kindsOf(method: string, template: string): Generator<Kind> {
  const random = () => ({ body: one(BODIES), ids: one(IDS), query: one(QUERIES) });
  for (const key of KEYS) {
    if (key !== "admin") yield { method, template, key, ...random() };
  }
  for (const body of BODIES) {
    for (const ids of IDS) {
      for (const query of QUERIES) yield { method, template, key: "admin", body, ids, query };
    }
  }
}

/** Random requests without end. */
export function* randomRequests(adminPak: string): Generator<RandomRequest> {
  while (true) {
    const [method, template, key] = [one(METHODS), one(TEMPLATES), one(KEYS)];
    yield requestOf({ method, template, key, body: one(BODIES), ids: one(IDS), query: one(QUERIES) }, adminPak);
  }
}

function requestOf({ method, template, key, body, ids, query }: Kind, adminPak: string): RandomRequest {
  const path = template.replaceAll(/\{\w+\}/g, () => ids === "uuid" ? crypto.randomUUID() : noise(12));
  const pak = keyOf(template === ROTATION && key === "admin" ? "unknown" : key, adminPak);
  const takesBody = method !== "GET" && method !== "HEAD";
  return {
    method,
    path: query === "none" ? path : `${path}?${noise(8)}=${noise(8)}${query === "nul" ? "%00" : ""}`,
    ...(pak === undefined ? {} : { key: pak }),
    ...(takesBody && body !== "none" ? { body: bodyOf(body) } : {}),
  };
}

function keyOf(kind: Kind["key"], adminPak: string): string | undefined {
  if (kind === "none") return undefined;
  if (kind === "admin") return adminPak;
  return kind === "malformed" ? `key-${crypto.randomUUID()}` : UNKNOWN;
}

function bodyOf(kind: Kind["body"]): string {
  if (kind === "large") return "x".repeat(LARGE_BYTES);
  return kind === "json" ? JSON.stringify({ [noise(5)]: noise(20), list: [Math.random()] }) : noise(200);
}

/** Up to so many odd letters after an `x`, as a path takes them. */
function noise(maxLength: number): string {
  const length = Math.floor(Math.random() * maxLength);
  return encodeURIComponent(`x${Array.from({ length }, () => one(LETTERS)).join("")}`);
}

function one<T>(choices: readonly T[]): T {
  return choices[Math.floor(Math.random() * choices.length)] as T;
}
