import { Failure } from "$lib/error.ts";

/** A label of an agent or of a stack: they are associated when they share one. */
export interface Label {
  readonly id: string;
  /** The agent or the stack. */
  readonly ownerId: string;
  readonly label: string;
}

/** An annotation of an agent or of a stack: they are associated when they share key and value. */
export interface Annotation {
  readonly id: string;
  /** The agent or the stack. */
  readonly ownerId: string;
  readonly key: string;
  readonly value: string;
}

/** An explicit link agent → stack. */
export interface Target {
  readonly id: string;
  readonly agentId: string;
  readonly stackId: string;
}

/** An agent's consent to receive from a generator. */
export interface Registration {
  readonly id: string;
  readonly agentId: string;
  readonly generatorId: string;
  readonly registeredAt: Date;
}

const TAG = /^\S{1,64}$/u;

/**
 * The label, when it is one.
 *
 * @throws {Failure} `invalid_label` unless it is 1–64 characters without white space.
 */
export function readLabel(label: string): string {
  if (TAG.test(label)) return label;
  throw new Failure("invalid_label", "Cannot use the label: it must be 1–64 characters without white space");
}

/**
 * The annotation, when it is one.
 *
 * @throws {Failure} `invalid_annotation` unless key and value are 1–64 characters without white space.
 */
export function readAnnotation({ key, value }: { key: string; value: string }): { key: string; value: string } {
  if (TAG.test(key) && TAG.test(value)) return { key, value };
  throw new Failure(
    "invalid_annotation",
    "Cannot use the annotation: its key and its value must be 1–64 characters without white space",
  );
}
