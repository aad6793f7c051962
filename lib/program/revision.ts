/** The commit that this program was made from. `deno task compile` writes this file anew in what it compiles. */
export const REVISION: string = "unknown";
