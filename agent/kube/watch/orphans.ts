import type { Log } from "$lib/log.ts";
import type { MemberMeta } from "../records/member_meta.ts";
import { type GroupKind, groupKindOf, groupKindText } from "../names.ts";
import type { Sweep } from "./sweep.ts";

/** What looking for orphans needs. */
export interface OrphanScanParts {
  readonly log: Log;
  readonly agentId: string;
  /** Whether a record of this agent names the object: by its key and uid, or by its key while its uid is not known. */
  readonly isRecorded: (key: string, uid: string) => boolean;
}

/** How many orphans a line of the log names. */
const NAMED_MAX = 20;

/**
 * Objects that carry this agent's marks and are in none of its records, such as what somebody copied or what an older
 * database has forgotten; not what a controller made with the marks of its owner, as it does of Endpoints. They are
 * named in the log, once, and never deleted: only a record says what is ours.
 */
export class OrphanScan {
  readonly #parts: OrphanScanParts;
  /** Those of the last scan: what a turn is just writing, or releasing, is none in the next. */
  #suspects: ReadonlySet<string> = new Set();
  #named: ReadonlySet<string> = new Set();

  constructor(parts: OrphanScanParts) {
    this.#parts = parts;
  }

  /**
   * Looks through the lists of one resync, kind by kind. A kind that could not be listed is passed over.
   *
   * @returns How many orphans there are.
   */
  async scan(sweep: Sweep, groupKinds: readonly GroupKind[], signal: AbortSignal): Promise<number> {
    const found: MemberMeta[] = [];
    for (const groupKind of groupKinds) {
      const { members } = await sweep.list(groupKind, signal);
      for (const ofSet of members.values()) found.push(...ofSet.filter((member) => this.#isOrphan(member)));
    }
    const orphans = found.filter(({ uid }) => this.#suspects.has(uid));
    this.#suspects = new Set(found.map(({ uid }) => uid));
    this.#warn(orphans.filter(({ uid }) => !this.#named.has(uid)));
    this.#named = new Set(orphans.map(({ uid }) => uid));
    return orphans.length;
  }

  #isOrphan(member: MemberMeta): boolean {
    const { agentId, isRecorded } = this.#parts;
    return member.ownerId === agentId && !member.isControlled && !isRecorded(member.key, member.uid);
  }

  #warn(orphans: readonly MemberMeta[]): void {
    if (orphans.length === 0) return;
    this.#parts.log.warn("objects carry this agent's marks and are in no record: they are left alone", {
      count: orphans.length,
      objects: orphans.slice(0, NAMED_MAX).map(nameOf),
    });
  }
}

function nameOf({ resource, namespace, name }: MemberMeta): string {
  const place = namespace === undefined ? name : `${namespace}/${name}`;
  return `${groupKindText(groupKindOf(resource))} ${place}`;
}
