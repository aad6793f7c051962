import { isRefused, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import type { RootRecord } from "../plan/guard.ts";
import { APPLYSET_ID, OWNER_ID } from "./names.ts";
import { CONFIG_MAPS, DEPLOYMENT_CHECKSUM, DEPLOYMENT_OBJECT_ID, STACK_ID, STACK_NAME } from "./parents.ts";
import { type Annotations, readRootRecord, rootAnnotations, rootDifference } from "../plan/root_record.ts";

/** What the inventory says of one stack that this agent applied and has not removed. */
export interface StackRecord {
  readonly id: string;
  readonly name: string;
  /** The deployment object that was last applied as a whole; undefined while none was. */
  readonly deploymentObjectId: string | undefined;
  readonly deploymentChecksum: string | undefined;
}

/** The record, kept in the cluster as ApplySets, of what this agent applied; changed only where something differs. */
export interface Inventory {
  /** The stacks with a parent of this agent's own. */
  listStacks(signal?: AbortSignal): Promise<readonly StackRecord[]>;
  /** What the root object remembers; all undefined when there is none. */
  readRoot(signal?: AbortSignal): Promise<RootRecord>;
  /** Writes what differs from the record last read or written; makes the root when there is none. */
  writeRoot(record: RootRecord, signal?: AbortSignal): Promise<void>;
}

/** What the inventory is made of. */
export interface InventoryParts {
  readonly kubernetes: Kubernetes;
  readonly log: Log;
  readonly agentId: string;
  /** Where root and parents live. */
  readonly namespace: string;
}

const SPOILT = "the root object was spoilt: nothing is pruned until the broker's epoch is accepted";

/** The inventory of one agent. Parents themselves are written by the reconciler. */
export function createInventory(parts: InventoryParts): Inventory {
  return { ...stackRecords(parts), ...rootKeeper(parts) };
}

function stackRecords({ kubernetes, log, agentId, namespace }: InventoryParts): Pick<Inventory, "listStacks"> {
  let strangers: ReadonlySet<string> = new Set();

  async function listStacks(signal?: AbortSignal): Promise<readonly StackRecord[]> {
    const { items: parents } = await kubernetes.listMetadata(CONFIG_MAPS, {
      namespace,
      labelSelector: APPLYSET_ID,
      signal,
    });
    const isOwn = ({ metadata }: KubernetesObject) => metadata.annotations?.[OWNER_ID] === agentId;
    const others = parents.filter((parent) => !isOwn(parent)).map(({ metadata }) => metadata.name);
    for (const name of others.filter((name) => !strangers.has(name))) {
      log.info("inventory of another agent or tool left alone", { namespace, name });
    }
    strangers = new Set(others);
    return parents.filter(isOwn).flatMap((parent) => stackRecord(annotationsIn(parent)));
  }

  return { listStacks };
}

type RootKeeper = Pick<Inventory, "readRoot" | "writeRoot">;

function rootKeeper({ kubernetes, log, agentId, namespace }: InventoryParts): RootKeeper {
  const place = { resource: CONFIG_MAPS, namespace, name: `brokkr-agent-${agentId}` };
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

function stackRecord(annotations: Annotations): readonly StackRecord[] {
  const id = annotations[STACK_ID];
  if (id === undefined) return [];
  return [{
    id,
    name: annotations[STACK_NAME] ?? "",
    deploymentObjectId: annotations[DEPLOYMENT_OBJECT_ID],
    deploymentChecksum: annotations[DEPLOYMENT_CHECKSUM],
  }];
}
