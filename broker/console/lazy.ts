import type { Application } from "$lib/serve.ts";
import type { ConsoleParts } from "./parts.ts";

/** The console, loaded when somebody first asks for it: a broker that nobody looks at is no larger for it. */
export function lazyConsole(parts: ConsoleParts): Application {
  let loading: Promise<Application> | undefined;
  return async (...asked) => {
    loading ??= import("./console.ts").then(({ createConsole }) => createConsole(parts));
    return await (await loading)(...asked);
  };
}
