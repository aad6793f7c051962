import { Socket } from "node:net";
import type { GaugeCell } from "$lib/metrics.ts";

/** Where a connection may go, as postgres.js tells its `socket` option: a unix socket, or hosts with a port each. */
export interface Destination {
  readonly path?: string | false;
  readonly host: readonly string[];
  readonly port: readonly number[];
}

/**
 * Makes the sockets of drivers, and shows how many are open: from when they are made until they are destroyed, whoever
 * does it. Of several hosts each socket takes the next.
 */
export function countedSockets(open: GaugeCell | undefined): (to: Destination) => Socket {
  let [count, turn] = [0, 0];
  function changeBy(by: number): void {
    count += by;
    open?.set(count);
  }
  return ({ path, host, port }) => {
    const socket = new CountedSocket(changeBy);
    if (path) return socket.connect(path);
    const place = turn++ % host.length;
    return Object.assign(socket, { host: host[place] }).connect(port[place] ?? 0, host[place] ?? "");
  };
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
