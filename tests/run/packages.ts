/** For every `deno` that the tests start: packages come from the global cache, as in the tasks of `deno.json`. */
export const FROM_GLOBAL_CACHE = "--node-modules-dir=none";
