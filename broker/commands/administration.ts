import type { z } from "zod";
import type { NewGenerator } from "$lib/wire/generator.ts";

/** Whom a new key is for. */
export interface MadeKey {
  readonly id: string;
  /** Shown this once. */
  readonly pak: string;
}

/** An agent that is to be made. */
export interface AskedAgent {
  readonly name: string;
  readonly cluster_name: string;
  /** Those that it receives from, by their names or ids. */
  readonly generators: readonly string[];
}

/** A key in place of another. */
export interface RotatedKey {
  /** Whose it is. */
  readonly name: string;
  readonly pak: string;
}

/** What commands that make keys do: asked of a broker, or done on the database where none runs. */
export interface Administration {
  createAgent(
    agent: AskedAgent,
    options: { readonly isActive: boolean },
  ): Promise<MadeKey & { readonly status: string }>;
  createGenerator(generator: z.input<typeof NewGenerator>): Promise<MadeKey>;
  /** Each rotation ends the former key at once, and gives the new one. */
  rotateAdmin(): Promise<string>;
  rotateAgent(nameOrId: string): Promise<RotatedKey>;
  rotateGenerator(nameOrId: string): Promise<RotatedKey>;
}

/** One that is open until it is let go. */
export type OpenAdministration = Administration & AsyncDisposable;
