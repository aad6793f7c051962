import type { KubernetesObject } from "$lib/kubernetes.ts";
import { VERSION } from "$lib/program/version.ts";
import type { LegacyScope, StackRecord } from "../../plan/record.ts";
import type { Annotations } from "../../plan/root_record.ts";
import { groupKindText, OWNER_ID, parseGroupKind } from "../names.ts";
import { readRecordText, type RecordText } from "./record_text.ts";

/** Annotation of a parent that says which stack it is. */
export const STACK_ID = "brokkr.io/stack-id";
/** The stack's name, for people and for messages. */
export const STACK_NAME = "brokkr.io/stack-name";
const GENERATOR_ID = "brokkr.io/generator-id";
const DEPLOYMENT_OBJECT_ID = "brokkr.io/deployment-object-id";
const DEPLOYMENT_CHECKSUM = "brokkr.io/deployment-checksum";
/**
 * Says that the parent has a record, and in which shape; a parent without it is of 0.10.0, which knew its objects by
 * labels.
 */
const RECORD = "brokkr.io/record";
const RECORD_DIGEST = "brokkr.io/record-digest";
const RECORD_PIECES = "brokkr.io/record-pieces";
const RECORD_SHAPE = "1";
const TOOLING = "applyset.kubernetes.io/tooling";
const GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds";
const ADDITIONAL_NAMESPACES = "applyset.kubernetes.io/additional-namespaces";
/**
 * Of 0.10.0's parents: the convention takes the parent's own namespace for granted, where an agent need not have
 * rights.
 */
const NAMESPACES = "brokkr.io/namespaces";

/** Whose parent it is, where, and the text of its record. */
export interface ParentText {
  readonly agentId: string;
  readonly namespace: string;
  readonly text: Pick<RecordText, "digest"> & { readonly pieces: Pick<RecordText["pieces"], "length"> };
}

/** What a parent's annotations must be, to say this; an empty text stands for what is not known. */
export function parentAnnotations(record: StackRecord, { agentId, namespace, text }: ParentText): Annotations {
  const { objects } = record;
  const namespaces = objects.flatMap((object) => object.namespace ?? []);
  return {
    [OWNER_ID]: agentId,
    [STACK_ID]: record.id,
    [STACK_NAME]: record.name,
    [GENERATOR_ID]: record.generatorId ?? "",
    [TOOLING]: `brokkr/v${VERSION}`,
    [GROUP_KINDS]: sorted(objects.map(groupKindText)),
    [ADDITIONAL_NAMESPACES]: sorted(namespaces.filter((one) => one !== namespace)),
    [RECORD]: RECORD_SHAPE,
    [RECORD_DIGEST]: text.digest,
    [RECORD_PIECES]: String(text.pieces.length),
    [DEPLOYMENT_OBJECT_ID]: record.deploymentObjectId ?? "",
    [DEPLOYMENT_CHECKSUM]: record.deploymentChecksum ?? "",
  };
}

/** How many pieces the record of a parent has; 1 where it has none. */
export function piecesOf(annotations: Annotations | undefined): number {
  const pieces = Number(annotations?.[RECORD_PIECES]);
  return Number.isInteger(pieces) && pieces > 0 ? pieces : 1;
}

/** Which text a parent's record is; undefined where it has none. */
export function digestOf(annotations: Annotations): string | undefined {
  return annotations[RECORD_DIGEST];
}

/** What is beside a parent: the ConfigMaps that hold the other pieces of its record, as far as they are there. */
export interface ParentSurroundings {
  readonly namespace: string;
  readonly others: readonly (KubernetesObject | undefined)[];
}

/** What a parent says of its stack. A record that can't be read whole says so: nothing of such a stack is removed. */
export function readParent(
  stackId: string,
  parent: KubernetesObject,
  { namespace, others }: ParentSurroundings,
): StackRecord {
  const { annotations = {}, name } = parent.metadata;
  const generatorId = annotations[GENERATOR_ID];
  const known = {
    id: stackId,
    name: annotations[STACK_NAME] ?? "",
    ...(generatorId ? { generatorId } : {}),
    deploymentObjectId: annotations[DEPLOYMENT_OBJECT_ID] || undefined,
    deploymentChecksum: annotations[DEPLOYMENT_CHECKSUM] || undefined,
  };
  const nothing = { objects: [], wanted: undefined };
  if (annotations[RECORD] === undefined) return { ...known, ...nothing, legacy: legacyScope(annotations, namespace) };
  const digest = annotations[RECORD_DIGEST] ?? "";
  const pieces = [pieceOf(parent, "objects"), ...others.map((map) => pieceOf(map, `objects-${digest}`))];
  const content = annotations[RECORD] === RECORD_SHAPE ? readRecordText({ digest, pieces }) : undefined;
  if (content !== undefined) return { ...known, ...content };
  return {
    ...known,
    ...nothing,
    unreadable: `the record in ConfigMap "${name}" in namespace "${namespace}" is spoilt`,
  };
}

function pieceOf(map: KubernetesObject | undefined, name: string): string {
  const binaryData = map?.binaryData as Readonly<Record<string, unknown>> | undefined;
  const piece = binaryData?.[name];
  return typeof piece === "string" ? piece : "";
}

function legacyScope(annotations: Annotations, namespace: string): LegacyScope {
  return {
    groupKinds: texts(annotations[GROUP_KINDS]).map(parseGroupKind),
    namespaces: texts(annotations[NAMESPACES] ?? `${namespace},${annotations[ADDITIONAL_NAMESPACES] ?? ""}`),
    isSpoilt: annotations[GROUP_KINDS] === undefined,
  };
}

function texts(list: string | undefined): string[] {
  return list?.split(",").filter((text) => text !== "") ?? [];
}

function sorted(words: readonly string[]): string {
  return [...new Set(words)].sort().join(",");
}
