import type { Records } from "../../agent/kube/records/records.ts";
import { TurnRecord } from "../../agent/kube/records/turn_record.ts";
import type { StackRecord } from "../../agent/plan/record.ts";

/** Records that a test looks at: what was written last, by stack. */
export interface WrittenRecords extends Records {
  readonly written: StackRecord[];
}

/** Records of no cluster. */
export function fakeRecords(): WrittenRecords {
  const written: StackRecord[] = [];
  return {
    written,
    setOf: (stackId) => Promise.resolve({ id: "set", stackId, agentId: "a" }),
    refresh: () => Promise.resolve([]),
    find: () => Promise.resolve(undefined),
    known: () => [],
    knownOf: () => undefined,
    kinds: () => [],
    namespacesOf: () => [],
    compared: () => undefined,
    isStale: () => false,
    stampOf: () => undefined,
    write: (record) => {
      written.push(record);
      return Promise.resolve();
    },
    remove: () => Promise.resolve(),
  };
}

/** The record of a stack that was never applied. */
export function emptyTurnRecord(records: Records = fakeRecords()): TurnRecord {
  return new TurnRecord(records, { id: "s", name: "web" }, undefined);
}
