import { type Failure } from "$lib/error.ts";
import { withoutSecrets } from "$lib/log.ts";
import type { Readiness } from "$lib/serve.ts";
import type { Probe } from "./loops/heartbeat.ts";

/** What `/readyz` says of the agent: its own loops decide the status, its neighbours are only in the body. */
export class Status {
  #loops: "not started" | "running" | "stopping" = "not started";
  #broker = "not heard of yet";
  #kubernetes = "not heard of yet";
  /** Undefined where there is no Lease. */
  #isLeader: boolean | undefined;

  /** The loops run. */
  started(): void {
    this.#loops = "running";
  }

  /** The agent ends. */
  stopping(): void {
    this.#loops = "stopping";
  }

  /** An exchange with the broker ended. */
  heardBroker(failure: Failure | undefined): void {
    this.#broker = failure === undefined ? "connected" : withReason(failure);
  }

  /** The API server was asked for its version. */
  heardKubernetes(probe: Probe): void {
    this.#kubernetes = probe.isReachable ? `reachable, ${probe.version}` : probe.why;
  }

  /** This replica has got the Lease, or has not. */
  heardLease(isLeader: boolean): void {
    this.#isLeader = isLeader;
  }

  /** The answer of `/readyz`; `mismatch` is what differs between the agent's settings and the broker's word. */
  readiness(mismatch: string | undefined): Readiness {
    const isReady = this.#loops === "running";
    const lines = [
      isReady ? "Ready" : `Not ready: ${this.#loops}`,
      ...(this.#isLeader === undefined
        ? []
        : [`lease: ${this.#isLeader ? "held, this replica works" : "not held, this replica stands by"}`]),
      // Who stands by asks neither: what it heard in its time is no news.
      ...(this.#isLeader === false ? [] : [`broker: ${this.#broker}`, `kubernetes: ${this.#kubernetes}`]),
      ...(mismatch === undefined ? [] : [`identity: nothing is written to the cluster, because ${mismatch}`]),
    ];
    return { isReady, text: withoutSecrets(lines.map((line) => `${line}\n`).join("")) };
  }
}

/** A failure's message, and what lies at the bottom of it. */
function withReason({ message, cause }: Failure): string {
  let reason = cause;
  while (reason instanceof Error && reason.cause !== undefined) reason = reason.cause;
  return reason instanceof Error ? `${message}: ${reason.message}` : message;
}
