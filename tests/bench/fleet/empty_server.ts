/** A server that has nothing to do, and says at which port; the end of its input ends it. */
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) },
  ({ method }) => {
    return new Response(null, { status: method === "GET" ? 304 : 204 });
  },
);
for await (const _ of Deno.stdin.readable);
await server.shutdown();
