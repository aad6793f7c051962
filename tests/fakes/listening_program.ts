/** A program that only listens, on a free port that its first line names, and says in lines what becomes of that. */
import { systemClock } from "$lib/clock.ts";
import { listen } from "$lib/listener.ts";
import { createRequestHandler } from "$lib/serve.ts";

if (import.meta.main) {
  const say = (message: string) => console.log(message);
  const clock = systemClock();
  const log = { debug: say, info: say, warn: say, error: say };
  const { port } = listen(createRequestHandler({ clock, log, application: () => new Response("here") }), {
    ...{ hostname: "127.0.0.1", port: 0, clock, log },
  });
  say(String(port));
}
