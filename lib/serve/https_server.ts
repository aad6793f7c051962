import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { type Clock, unlessAborted } from "$lib/clock.ts";
import { watchListener } from "$lib/serve/listener_watch.ts";
import type { KeyPair } from "$lib/serve/tls_files.ts";

/** What an HTTPS server is made of. */
export interface HttpsServerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly pair: KeyPair;
  readonly minVersion: TlsVersion;
  /** How many connections it has at once; further ones are closed at once. */
  readonly connectionsMax: number;
  readonly deadlines: ClientDeadlines;
  readonly clock: Clock;
  /** Hears of each answer whose body failed after it was begun, while whoever asked was there. */
  readonly onBroken: (error: unknown) => void;
}

/** How long clients may take, in milliseconds, by the names that Node.js has for it; the last: how often it looks. */
export type ClientDeadlines = Pick<
  ServerOptions,
  "handshakeTimeout" | "headersTimeout" | "requestTimeout" | "keepAliveTimeout" | "connectionsCheckingInterval"
>;

/** A version of TLS that may be the least one. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** An HTTPS server that listens; it stands where one of `Deno.serve` would. */
export interface HttpsServer extends Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "finished" | "shutdown"> {
  /** What new connections meet from now on; others stay as they are. */
  use(pair: KeyPair): void;
}

/** Answers one request; never rejects. */
export type HttpsHandler = (request: Request, info: ConnectionInfo) => Response | Promise<Response>;

/** What is known of who asks. */
export interface ConnectionInfo {
  readonly remoteAddr: Deno.NetAddr;
  /** Whether the client showed a certificate of an authority that vouches for clients; absent where there is none. */
  readonly isCertified?: boolean;
}

/**
 * Listens. Not by `Deno.serve`: that can neither change its certificate nor bound connections, handshakes and heads
 * (decision 8 has the figures).
 *
 * @throws What Node.js throws when the address can't be had.
 */
export async function openHttpsServer(options: HttpsServerOptions, handler: HttpsHandler): Promise<HttpsServer> {
  const { hostname, port, pair, minVersion, connectionsMax, deadlines, clock, onBroken } = options;
  const answering = new Answering(handler, { isCertificateAsked: pair.ca !== undefined });
  // who shows no certificate is let in: probes have none, and whoever needs one is told so in words
  const asking = pair.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
  const turns = new Turns((incoming, outgoing) => {
    answering.answer(incoming, outgoing).catch((error) => {
      if (!outgoing.destroyed) onBroken(error);
      outgoing.destroy();
    });
  });
  const server = createServer({ ...deadlines, ...pair, ...asking, minVersion }, (incoming, outgoing) => {
    turns.take(incoming, outgoing);
  });
  // what a client expects besides 100-continue is passed over, as without TLS: Node.js would refuse it
  server.on("checkExpectation", (incoming, outgoing) => turns.take(incoming, outgoing));
  server.maxConnections = connectionsMax;
  const addr = await listening(server, { hostname, port });
  const [finished, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const end = () => {
    unwatch();
    answering.isLast = true;
    server.close(() => closed.resolve());
    server.closeIdleConnections();
    finished.resolve();
  };
  const unwatch = watchListener(addr, { clock, onSilent: end });
  server.on("error", end);
  return {
    addr,
    finished: finished.promise,
    use: (next) => server.setSecureContext({ ...next, ...asking, minVersion }),
    async shutdown() {
      end();
      await closed.promise;
    },
  };
}

function listening(server: Server, { hostname, port }: Pick<HttpsServerOptions, "hostname" | "port">) {
  return new Promise<Deno.NetAddr>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostname, port }, () => {
      server.off("error", reject);
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("The server has no address"));
      resolve({ transport: "tcp", hostname: address.address, port: address.port });
    });
  });
}

type Exchanging = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** So many requests a client may send ahead of an answer; who sends more waits for none. */
const AHEAD_MAX = 32;

/**
 * The requests of each connection, one after the other, as `Deno.serve` has them: Node.js would begin all that a client
 * sends without waiting for an answer, and never tell of those that are not its connection's turn that it has ended.
 */
class Turns {
  readonly #begin: Exchanging;
  /** What waits on each connection that is busy. */
  readonly #waiting = new WeakMap<Socket, (() => void)[]>();

  constructor(begin: Exchanging) {
    this.#begin = begin;
  }

  take(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { socket } = incoming;
    const waiting = this.#waiting.get(socket);
    const begin = () => {
      outgoing.once("close", () => this.#next(socket));
      this.#begin(incoming, outgoing);
    };
    if (waiting === undefined) {
      this.#waiting.set(socket, []);
      return begin();
    }
    if (waiting.push(begin) > AHEAD_MAX) socket.destroy();
  }

  #next(socket: Socket): void {
    const next = socket.destroyed ? undefined : this.#waiting.get(socket)?.shift();
    if (next === undefined) this.#waiting.delete(socket);
    else next();
  }
}

/** Methods that a `Request` can't be made with. */
const NEVER_FETCHED = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Between the messages of Node.js and those of the web. */
class Answering {
  /** Whether each connection ends with its next answer. */
  isLast = false;
  readonly #handler: HttpsHandler;
  readonly #isCertificateAsked: boolean;

  constructor(handler: HttpsHandler, { isCertificateAsked }: { readonly isCertificateAsked: boolean }) {
    this.#handler = handler;
    this.#isCertificateAsked = isCertificateAsked;
  }

  async answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const leaving = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) leaving.abort();
    });
    const request = requestOf(incoming, leaving.signal);
    const { remoteAddress: hostname = "", remotePort: port = 0 } = incoming.socket;
    const response = await this.#handler(request, {
      remoteAddr: { transport: "tcp", hostname, port },
      ...this.#isCertificateAsked && { isCertified: (incoming.socket as TLSSocket).authorized },
    });
    for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
    outgoing.statusCode = response.status;
    // What is left of a body that nobody read is not waited for.
    if (this.isLast || !incoming.complete) outgoing.setHeader("connection", "close");
    await send(response.body, outgoing, leaving.signal);
  }
}

/** As one of `Deno.serve`: its address is what the client says, even where that is none, and so is its method. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = "GET", url: target = "/", rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  const origin = `https://${headers.get("host") || "localhost"}`;
  const url = target.startsWith("/") ? `${origin}${target}` : URL.parse(target, origin)?.href ?? target;
  const isBodiless = method === "GET" || method === "HEAD";
  const body = isBodiless ? undefined : Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const request = new Request(URL.canParse(url) ? url : "https://localhost/", {
    ...{ headers, signal, body },
    method: NEVER_FETCHED.has(method) ? "OPTIONS" : method,
  });
  return Object.defineProperties(request, { url: { value: url }, method: { value: method } });
}

/** A body of one piece goes with its length; the pieces of another as fast as they are taken. */
async function send(
  body: ReadableStream<Uint8Array> | null,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  if (body === null) return void outgoing.end();
  const reader = body.getReader();
  const stop = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const first = await reader.read();
  let next = first.done ? first : await reader.read();
  if (next.done) {
    if (!outgoing.hasHeader("content-length")) outgoing.setHeader("content-length", first.value?.byteLength ?? 0);
    return void outgoing.end(first.value);
  }
  outgoing.write(first.value);
  for (; !next.done; next = await reader.read()) {
    if (outgoing.write(next.value)) continue;
    await unlessAborted(new Promise((resolve) => outgoing.once("drain", () => resolve(undefined))), signal);
  }
  signal.throwIfAborted();
  outgoing.end();
}
