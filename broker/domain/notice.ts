import type { Caller } from "./caller.ts";

/** The channel on which every replica hears of changes. */
export const CHANGES = "brokkr_changes";

/**
 * What changed, as far as anybody listens for it. `keys` means that an answer of authentication may no longer be true.
 */
const CHANGED = ["keys", "agents", "stacks", "deployment_objects"] as const;
/** One of {@linkcode CHANGED}. */
export type Changed = (typeof CHANGED)[number];

/** What committed transactions changed. */
export interface ChangeNotice {
  readonly changed: readonly Changed[];
  /** The agents whose snapshots say something else than before. */
  readonly agentIds: readonly string[];
}

/** Agents that one notice names: PostgreSQL takes less than 8,000 bytes. */
const AGENTS_A_NOTICE = 200;

/** The payload of a notice that names no agents. */
function writeNotice(changed: readonly Changed[]): string {
  return JSON.stringify({ changed });
}

/** The payloads of as many notices as it takes to name all agents. */
export function writeNotices({ changed, agentIds }: ChangeNotice): readonly string[] {
  const named = agentIds.slice(0, AGENTS_A_NOTICE);
  const first = named.length === 0 ? writeNotice(changed) : JSON.stringify({ changed, agents: named });
  const left = agentIds.slice(AGENTS_A_NOTICE);
  return left.length === 0 ? [first] : [first, ...writeNotices({ changed: [], agentIds: left })];
}

/**
 * Reads a payload; one from a newer program may name things this one passes over, one from an older names no agents,
 * and one of neither, which whoever may use the database can send, says nothing.
 */
export function readNotice(payload: string): ChangeNotice {
  const { changed, agents } = fieldsIn(payload);
  const named = textsOf(changed) ?? [];
  return { changed: CHANGED.filter((each) => named.includes(each)), agentIds: textsOf(agents) ?? [] };
}

/** Keys that are no longer what they were: what is known of them may not be true any more. */
export interface ChangedKeys {
  /** Whose they are or were; absent where a notice does not say: it is of a broker of 0.10.0. */
  readonly owner?: Pick<Caller, "role" | "id">;
  /** Absent where any may be meant. */
  readonly pakHashes?: readonly string[];
}

/** The payload of a notice of keys. */
export function writeKeysNotice({ owner, pakHashes }: ChangedKeys): string {
  return JSON.stringify({ changed: ["keys"], owner, pak_hashes: pakHashes });
}

/** What a notice says of keys; undefined where it is of something else. */
export function readKeysNotice(payload: string): ChangedKeys | undefined {
  const { changed, owner, pak_hashes: pakHashes } = fieldsIn(payload);
  if (textsOf(changed)?.includes("keys") !== true) return undefined;
  return { owner: isOwner(owner) ? owner : undefined, pakHashes: textsOf(pakHashes) };
}

function fieldsIn(payload: string): Readonly<Record<string, unknown>> {
  try {
    const said = JSON.parse(payload);
    return typeof said === "object" && said !== null ? said : {};
  } catch {
    return {};
  }
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
}

function isOwner(value: unknown): value is NonNullable<ChangedKeys["owner"]> {
  const isNamed = typeof value === "object" && value !== null && "role" in value && "id" in value;
  return isNamed && typeof value.role === "string" && typeof value.id === "string";
}
