/**
 * A program that only listens, on a free port that its first line names, and says in lines what becomes of that.
 *
 * usage: deno run … tests/fakes/listening_program.ts [<file of a certificate> <file of its key>]
 */
import { systemClock } from "$lib/clock.ts";
import { listen } from "$lib/listener.ts";
import { createRequestHandler } from "$lib/serve.ts";

if (import.meta.main) {
  Deno.addSignalListener("SIGTERM", () => Deno.exit(0)); // as programs do: Deno's first one fails without a file
  const say = (message: string) => console.log(message);
  const clock = systemClock();
  const log = { debug: say, info: say, warn: say, error: say };
  const [certFile, keyFile] = Deno.args;
  const { port } = await listen(createRequestHandler({ clock, log, application: () => new Response("here") }), {
    ...{ hostname: "127.0.0.1", port: 0, clock, log },
    tls: certFile === undefined || keyFile === undefined
      ? undefined
      : { certFile, keyFile, minVersion: "TLSv1.2", connectionsMax: 1_000 },
  });
  say(String(port));
}
