import type { z } from "zod";
import type { CreateAgentRequest } from "$lib/wire/agent.ts";
import type { NewGenerator } from "$lib/wire/generator.ts";

/** Whom a new key is for. */
export interface MadeKey {
  readonly id: string;
  /** Shown this once. */
  readonly pak: string;
}

/** What commands that make keys do: asked of a broker, or done on the database where none runs. */
export interface Administration {
  createAgent(
    agent: z.input<typeof CreateAgentRequest>,
    options: { readonly isActive: boolean },
  ): Promise<MadeKey & { readonly status: string }>;
  createGenerator(generator: z.input<typeof NewGenerator>): Promise<MadeKey>;
  /** Each rotation ends the former key at once, and gives the new one. */
  rotateAdmin(): Promise<string>;
  rotateAgent(id: string): Promise<string>;
  rotateGenerator(id: string): Promise<{ readonly name: string; readonly pak: string }>;
}

/** One that is open until it is let go. */
export type OpenAdministration = Administration & AsyncDisposable;
