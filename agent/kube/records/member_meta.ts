import type { ApiResource, KubernetesObject, ObjectMeta, ObjectPlace } from "$lib/kubernetes.ts";
import { marksOf } from "./marks.ts";
import { groupKindOf, MANIFEST_CHECKSUM, objectKey, OWNER_ID, STACK } from "../names.ts";

const GOING = 1;
const FOLDABLE = 2;
const CONTROLLED = 4;

/**
 * What a list says of an object that carries a set's label, as little as can be: there may be 50,000 of them in memory,
 * in 300 bytes each. What follows from the rest is worked out when it is asked for.
 */
export class MemberMeta {
  readonly resource: ApiResource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly generation: number | undefined;
  /** As `marksOf` digests them. */
  readonly marks: string;
  /** What its annotation says that it was applied from, the first 16 digits; undefined where that is gone. */
  readonly checksum: string | undefined;
  /** The agent that applied it, as its annotation says. */
  readonly ownerId: string | undefined;
  /** The stack that it was applied for, as its annotation says. */
  readonly stackId: string | undefined;
  /** As a number, which takes no room of its own, where that says the same. */
  readonly #version: string | number;
  readonly #flags: number;

  constructor(resource: ApiResource, { metadata }: KubernetesObject, { hasFoldable, shared }: MemberMetaParts) {
    const { annotations = {} } = metadata;
    this.resource = resource;
    this.namespace = shared(metadata.namespace);
    this.name = metadata.name;
    this.uid = metadata.uid ?? "";
    this.generation = metadata.generation;
    this.marks = marksOf(metadata);
    this.checksum = startOf(annotations[MANIFEST_CHECKSUM]);
    this.ownerId = shared(annotations[OWNER_ID]);
    this.stackId = shared(annotations[STACK]);
    const isControlled = metadata.ownerReferences?.some(({ controller }) => controller === true) ?? false;
    this.#flags = (metadata.deletionTimestamp === undefined ? 0 : GOING) | (hasFoldable(metadata) ? FOLDABLE : 0) |
      (isControlled ? CONTROLLED : 0);
    const { resourceVersion = "" } = metadata;
    this.#version = String(Number(resourceVersion)) === resourceVersion ? Number(resourceVersion) : resourceVersion;
  }

  /** Whether it is being deleted. */
  get isGoing(): boolean {
    return (this.#flags & GOING) !== 0;
  }

  /** Whether fields that others set are to become ours. */
  get hasFoldable(): boolean {
    return (this.#flags & FOLDABLE) !== 0;
  }

  /** Whether a controller made it, of something that it is owned by. */
  get isControlled(): boolean {
    return (this.#flags & CONTROLLED) !== 0;
  }

  get resourceVersion(): string {
    return String(this.#version);
  }

  /** As `objectKey` makes it. */
  get key(): string {
    return objectKey(groupKindOf(this.resource), this.place);
  }

  get place(): ObjectPlace {
    const { resource, namespace, name } = this;
    return { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  }
}

/** What reading members needs. */
export interface MemberMetaParts {
  /** Whether fields that others set are to become ours, by what lists keep of managed fields. */
  readonly hasFoldable: (metadata: ObjectMeta) => boolean;
  /** One and the same text for equal ones. */
  readonly shared: SharedTexts;
}

/** See {@linkcode sharedTexts}. */
export type SharedTexts = <T extends string | undefined>(text: T) => T;

/** Of many objects most are in the same few namespaces, sets and stacks: each such text is kept once. */
export function sharedTexts(): SharedTexts {
  const known = new Map<string, string>();
  return <T extends string | undefined>(text: T): T => {
    if (text === undefined) return text;
    const found = known.get(text) ?? text;
    known.set(text, found);
    return found as T;
  };
}

const CHECKSUM_DIGITS = 16;

/** Joined of two: a part of a text keeps the whole one in memory, and so does a sum of parts. */
function startOf(checksum: string | undefined): string | undefined {
  const half = CHECKSUM_DIGITS / 2;
  return checksum === undefined ? undefined : [checksum.slice(0, half), checksum.slice(half, CHECKSUM_DIGITS)].join("");
}
