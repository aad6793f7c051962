import project from "../../deno.json" with { type: "json" };

export { REVISION } from "$lib/program/revision.ts";

/** The version of both programs, as `deno.json` has it. */
export const VERSION: string = project.version;
