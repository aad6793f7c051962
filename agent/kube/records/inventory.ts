import { isRefused, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import type { RootRecord } from "../../plan/guard.ts";
import type { Inventory } from "../../plan/record.ts";
import { OWNER_ID, rootName } from "../names.ts";
import { CONFIG_MAPS, type Records } from "./records.ts";
import { type Annotations, readRootRecord, rootAnnotations, rootDifference } from "../../plan/root_record.ts";

/** What the inventory is made of. */
export interface InventoryParts {
  readonly kubernetes: Kubernetes;
  readonly log: Log;
  readonly agentId: string;
  readonly records: Pick<Records, "refresh">;
  /** Where root and parents live. */
  readonly namespace: string;
}

const SPOILT = "the root object was spoilt: nothing is pruned until the broker's epoch is accepted";

/** The inventory of one agent. Records themselves are written by turns. */
export function createInventory(parts: InventoryParts): Inventory {
  return { ...rootKeeper(parts), listStacks: (signal) => parts.records.refresh(signal) };
}

type RootKeeper = Pick<Inventory, "readRoot" | "writeRoot">;

function rootKeeper({ kubernetes, log, agentId, namespace }: InventoryParts): RootKeeper {
  const place = { resource: CONFIG_MAPS, namespace, name: rootName(agentId) };
  let last: Annotations | undefined;

  async function readRoot(signal?: AbortSignal): Promise<RootRecord> {
    const root = await kubernetes.get(place, signal);
    last = root === undefined ? undefined : annotationsIn(root);
    const { record, spoilt } = readRootRecord(last ?? {});
    if (spoilt.length > 0) log.error(SPOILT, { namespace, name: place.name, annotations: spoilt });
    return record;
  }

  async function writeRoot(record: RootRecord, signal?: AbortSignal): Promise<void> {
    if (last === undefined) await readRoot(signal);
    const annotations = rootAnnotations(record);
    last = last === undefined ? await makeRoot(annotations, signal) : await changeRoot(last, annotations, signal);
  }

  async function makeRoot(annotations: Annotations, signal?: AbortSignal): Promise<Annotations | undefined> {
    const metadata = { name: place.name, namespace, annotations: { ...annotations, [OWNER_ID]: agentId } };
    try {
      return annotationsIn(
        await kubernetes.create(CONFIG_MAPS, { apiVersion: "v1", kind: "ConfigMap", metadata }, { signal }),
      );
    } catch (error) {
      if (!isRefused(error, 409)) throw error;
      await readRoot(signal);
      return await changeRoot(last ?? {}, annotations, signal);
    }
  }

  async function changeRoot(
    before: Annotations,
    annotations: Annotations,
    signal?: AbortSignal,
  ): Promise<Annotations | undefined> {
    const changed = rootDifference(before, annotations);
    if (changed === undefined) return before;
    const patched = await kubernetes.patch(place, { metadata: { annotations: changed } }, { signal });
    return patched === undefined ? await makeRoot(annotations, signal) : annotationsIn(patched);
  }

  return { readRoot, writeRoot };
}

function annotationsIn({ metadata }: KubernetesObject): Annotations {
  return metadata.annotations ?? {};
}
