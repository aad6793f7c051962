/** A relay of TCP connections in front of a server, which a test can freeze and cut as a network does. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** How many connections are open. */
  readonly open: number;
  /** How many were ever taken. */
  readonly taken: number;
  /** From now on no byte passes on the connections that are open; their sockets stay open. New ones work. */
  freezeOpen(): void;
  /** The same for the connections that are opened from now on, until `thaw()`. */
  freezeNew(): void;
  /** Ends `freezeNew()`. What was frozen stays so, as in a NAT that forgot it. */
  thaw(): void;
  /** Closes every open connection. */
  cut(): void;
}

/** Relays to a port of 127.0.0.1. TLS passes through it, and with it HTTP/2. */
export function startRelay(target: { readonly port: number }): Relay {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const pairs = new Set<Pair>();
  let taken = 0;
  let isFrozen = false;

  async function accept(): Promise<void> {
    for await (const client of listener) {
      taken += 1;
      const pair = new Pair(client, isFrozen);
      pairs.add(pair);
      pair.run(target.port).finally(() => pairs.delete(pair));
    }
  }
  const accepting = accept();

  return {
    port: listener.addr.port,
    get open() {
      return pairs.size;
    },
    get taken() {
      return taken;
    },
    freezeOpen() {
      for (const pair of pairs) pair.isFrozen = true;
    },
    freezeNew() {
      isFrozen = true;
    },
    thaw() {
      isFrozen = false;
    },
    cut() {
      for (const pair of pairs) pair.close();
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const pair of pairs) pair.close();
      await accepting;
    },
  };
}

/** A connection of a client, and the one to the server that was opened for it. */
class Pair {
  isFrozen: boolean;
  readonly #client: Deno.Conn;
  readonly #closed = Promise.withResolvers<void>();
  #server: Deno.Conn | undefined;
  #isClosed = false;

  constructor(client: Deno.Conn, isFrozen: boolean) {
    this.#client = client;
    this.isFrozen = isFrozen;
  }

  async run(port: number): Promise<void> {
    try {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      if (this.#isClosed) return server.close();
      this.#server = server;
      await Promise.race([this.#pass(this.#client, server), this.#pass(server, this.#client)]);
    } catch {
      // A connection that broke ends on both sides; there is nobody to tell.
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve();
    this.#client.close();
    this.#server?.close();
  }

  /** Frozen bytes are read and lost, so that the sender's socket takes them as an idle network would. */
  async #pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    while (true) {
      const size = await from.read(buffer);
      if (size === null && !this.isFrozen) return;
      if (size === null) await this.#closed.promise;
      else if (!this.isFrozen) await writeAll(to, buffer.subarray(0, size));
    }
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await to.write(bytes.subarray(done));
}
