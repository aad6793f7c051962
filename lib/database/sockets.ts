import { Socket } from "node:net";
import type { BoundGauge } from "$lib/metrics.ts";

/** Where a connection goes, as postgres.js tells its `socket` option: a unix socket, or a host and its port. */
export interface Destination {
  readonly path?: string | false;
  readonly host: readonly string[];
  readonly port: readonly number[];
}

/**
 * Makes the sockets of drivers, and shows how many are open: from when they are made until they are destroyed, whoever
 * does it.
 */
export function countedSockets(open: BoundGauge | undefined): (to: Destination) => Socket {
  let count = 0;
  function changeBy(by: number): void {
    count += by;
    open?.record(count);
  }
  return ({ path, host, port }) => {
    const socket = new CountedSocket(changeBy);
    if (path) return socket.connect(path);
    socket.once("end", () => failUnheard(socket));
    return Object.assign(socket, { host: host[0] }).connect(port[0] ?? 0, host[0] ?? "");
  };
}

/**
 * Fails a connection that its server ended without a word, as a proxy does that has no server behind it. Of such an end
 * postgres.js says nothing to the statement that waits: it connects again at once, and again, without a pause.
 */
function failUnheard(socket: Socket): void {
  if (socket.bytesRead > 0) return;
  socket.destroy(Object.assign(new Error("the server closed the connection"), { code: "CONNECTION_CLOSED" }));
}

/** A socket tells its end by `_destroy`: TLS takes every listener off it, one of `close` too. */
class CountedSocket extends Socket {
  readonly #changeBy: (by: number) => void;

  constructor(changeBy: (by: number) => void) {
    super();
    this.#changeBy = changeBy;
    changeBy(1);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#changeBy(-1);
    super._destroy(error, done);
  }
}
