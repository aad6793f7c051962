import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** A proxy that tunnels by CONNECT, and knows names that nobody else does. */
export interface ConnectProxy extends AsyncDisposable {
  /** Such as `http://127.0.0.1:3128`. */
  readonly url: string;
  /** Where tunnels were asked to lead, in their order. */
  readonly asked: readonly string[];
  /** What each said of who asks; undefined where it said nothing. */
  readonly credentials: readonly (string | undefined)[];
}

/** Starts one on a free port of loopback; a tunnel to any other place than these is answered with 403. */
export async function startConnectProxy(places: Readonly<Record<string, number>>): Promise<ConnectProxy> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("connect", (request: { url?: string; headers: Record<string, string | undefined> }, client: Socket) => {
    const place = request.url ?? "";
    asked.push(place);
    credentials.push(request.headers["proxy-authorization"]);
    const port = places[place];
    if (port === undefined) return client.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    const target = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => {
        client.destroy();
        target.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    credentials,
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
