/**
 * A program that only listens, on a free port that its first line names, and says in lines what becomes of that. Its
 * answer to `/broken` breaks off, that to `/endless` never ends.
 *
 * usage: deno run … tests/fakes/listening_program.ts [<file of a certificate> <file of its key>]
 */
import { systemClock } from "$lib/clock.ts";
import { listen } from "$lib/serve/listener.ts";
import { createRequestHandler } from "$lib/serve.ts";

function application({ url }: Request): Response {
  const { pathname } = new URL(url);
  return new Response(pathname === "/broken" || pathname === "/endless" ? streamed(pathname) : "here");
}

function streamed(path: "/broken" | "/endless"): ReadableStream<Uint8Array> {
  let pieces = 0;
  return new ReadableStream({
    pull(controller) {
      pieces += 1;
      if (path === "/broken" && pieces === 3) return controller.error(new Error("no third piece"));
      controller.enqueue(new Uint8Array(64 * 1024));
    },
    cancel: () => console.log("nobody reads any more"),
  });
}

if (import.meta.main) {
  Deno.addSignalListener("SIGTERM", () => Deno.exit(0)); // as programs do: Deno's first one fails without a file
  const say = (message: string) => console.log(message);
  const clock = systemClock();
  const log = { debug: say, info: say, warn: say, error: say };
  const [certFile, keyFile] = Deno.args;
  const { port } = await listen(createRequestHandler({ clock, log, application }), {
    ...{ hostname: "127.0.0.1", port: 0, clock, log },
    tls: certFile === undefined || keyFile === undefined
      ? undefined
      : { certFile, keyFile, minVersion: "TLSv1.2", connectionsMax: 1_000 },
  });
  say(String(port));
}
