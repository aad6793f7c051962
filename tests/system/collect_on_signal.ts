/**
 * Loaded before a program (`--preload`, with `--v8-flags=--expose-gc`): SIGUSR2 makes it collect its garbage and then say
 * "the garbage is collected", so that a test can tell memory in use from memory that is free to be used again.
 */
const { gc } = globalThis as { readonly gc?: () => void };
Deno.addSignalListener("SIGUSR2", () => {
  gc?.();
  console.error("the garbage is collected");
});
