import { z } from "zod";
import { KeptName, Name, Time, Uuid } from "./common.ts";

/** The identity of a team or CI job. */
export const Generator = z.object({
  id: Uuid,
  name: z.string(),
  description: z.string().nullable(),
  is_system: z.boolean(),
  is_active: z.boolean(),
  last_active_at: Time.nullable(),
  created_at: Time,
  updated_at: Time,
  deleted_at: Time.nullable(),
}).meta({ id: "Generator" });

/** A generator to make. */
export const NewGenerator = z.object({ name: Name, description: z.string().max(4096).nullish() })
  .meta({ id: "NewGenerator" });

/** What of a generator `PUT` changes; the rest of its representation is accepted and ignored. */
export const UpdateGeneratorRequest = z.looseObject({
  name: KeptName,
  description: z.string().max(4096).nullish(),
  is_active: z.boolean().optional(),
}).meta({ id: "UpdateGeneratorRequest" });

/** A new generator, or an old one, with its new key, shown this once. */
export const CreateGeneratorResponse = z.object({ generator: Generator, pak: z.string() })
  .meta({ id: "CreateGeneratorResponse" });
