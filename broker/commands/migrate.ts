import { migrate } from "../store/migrate.ts";
import { command } from "./command.ts";
import { databaseOf } from "./database.ts";

/** `migrate`: what a starting broker does too, for whoever wants it done before. */
export const migrateDatabase = command({
  words: "migrate",
  help: "Bring the database to the shape that this program needs, as a starting broker does by itself.",
  options: [],
  run: async ({ settings }, parts) => {
    await using open = await databaseOf(settings, parts);
    const steps = await migrate(open.database, { schema: settings["database.schema"], log: parts.log });
    return { notes: [`steps of migration done: ${steps}`] };
  },
});
