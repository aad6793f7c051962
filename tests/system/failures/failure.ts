import type { z } from "zod";
import type { DeliveryDetails } from "$lib/wire/delivery.ts";
import { configMap } from "../bundles.ts";
import type { World } from "../world.ts";

/** A cause, as the API shows it. */
export type ShownCause = z.infer<typeof DeliveryDetails>["causes"][number];

/** Where one failure happens: a stack and a namespace of its own, in a world that all share. */
export interface Scene {
  readonly world: World;
  /** What ends with the world. */
  readonly ended: AsyncDisposableStack;
  /** The name of the stack and of the namespace. */
  readonly name: string;
  readonly stackId: string;
  /** Submits a bundle to the stack. */
  submit(bundle: string): Promise<void>;
  /** Submits a bundle, and waits until the agent has it and says that it works. */
  submitWorking(bundle: string): Promise<void>;
}

/** The rest of what ends a failure. */
export type Finish = () => Promise<void> | void;

/** Something that goes wrong, what is said of it, and how it ends. */
export interface SeededFailure {
  /** Short, and a name for a stack and a namespace. */
  readonly name: string;
  /** The first cause's code. */
  readonly code: string;
  /** What the first cause's one line says, beside what it means. */
  readonly says: RegExp;
  /** The command that the first cause names. */
  readonly next?: RegExp;
  /** Whether the namespace is not to be there from the start. */
  readonly isWithoutNamespace?: true;
  /** Only a simulated cluster plays it. */
  readonly isSimulated?: true;
  /**
   * Makes it happen; gives what a person does in the cluster who has seen what the command shows, if that is to be
   * done.
   */
  seed(scene: Scene): Promise<Finish | void>;
  /** The bundle that a person has mended before the command is carried out. */
  mended?(scene: Scene): string;
}

/** One that a bundle brings about, and another bundle ends. */
export function bundleFailure(
  failure: Omit<SeededFailure, "seed" | "next"> & { readonly bundle: (name: string) => string },
): SeededFailure {
  const { bundle, ...rest } = failure;
  return {
    ...rest,
    next: /bundle\.yaml/,
    mended: failure.mended ?? (({ name }) => configMap("mended", { namespace: name })),
    seed: ({ name, submit }) => submit(bundle(name)),
  };
}
