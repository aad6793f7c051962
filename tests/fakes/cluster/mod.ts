import { type ControllersByHand, controllersByHand } from "./controllers/by_hand.ts";
import { startControllers } from "./controllers/mod.ts";
import type { FaultAnswer, FaultMatcher, RequestFacts } from "./faults.ts";
import { type ByHand, byHand } from "./by_hand.ts";
import { createParts } from "./parts.ts";
import { furnishCluster } from "./furniture.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { type Relay, startRelay } from "../relay.ts";
import { ApiServer, type AuditRecord } from "./server.ts";

export type { FaultAnswer, FaultMatcher, RequestFacts } from "./faults.ts";
export type { KubeObject, Metadata } from "./objects.ts";
export type { AuditRecord } from "./server.ts";

/** How a simulated cluster is made; every part has a default. */
export interface SimulatedClusterOptions {
  /** The bearer token that every request must bring; without one, none is asked for. */
  readonly token?: string;
  /** 0, the default, takes a free port of 127.0.0.1. */
  readonly port?: number;
  /** How long each step of a controller takes (40 ms). A Deployment is available after some six of them. */
  readonly controllerDelayMs?: number;
  /** Whether clients reach it through a {@linkcode Relay}, which can freeze and cut their connections. */
  readonly isRelayed?: boolean;
  /** How many changes a watch can go back (10,000). */
  readonly historyLimit?: number;
}

/** A Kubernetes API server over HTTP, with its controllers, in this process. */
export interface SimulatedCluster extends ByHand, ControllersByHand, AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  /** A temporary file, for whoever reads a kubeconfig. */
  readonly kubeconfigPath: string;
  /** What stands between clients and the server, where it was asked for. */
  readonly relay: Relay | undefined;
  /** Every request so far, except those of the helpers here. */
  readonly requests: readonly AuditRecord[];
  /** The same in the order in which they came, those that are still waiting for an answer among them. */
  readonly arrivals: readonly RequestFacts[];
  /** Makes matching requests fail; the returned function ends that. */
  fault(matcher: FaultMatcher, answer: FaultAnswer): () => void;
  /** Ends all open watches, with a 410 where that is wanted. */
  endWatches(options?: { readonly isExpired: boolean }): void;
  /** Takes this bearer token from now on, and no other. */
  acceptToken(token: string): void;
  /** Forgets old revisions: watches from them and lists not read to their end get 410. */
  compact(): void;
  stop(): Promise<void>;
}

/** Starts a cluster with the namespaces, the node and the objects that every cluster has. */
export async function startSimulatedCluster(options: SimulatedClusterOptions = {}): Promise<SimulatedCluster> {
  const { token, port = 0, controllerDelayMs = 40, historyLimit = 10_000 } = options;
  const stopping = new AbortController();
  const parts = createParts({ historyLimit });
  furnishCluster(parts);
  const controllers = startControllers(parts, controllerDelayMs);
  const api = new ApiServer({ parts, token, signal: stopping.signal });
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, (request) => api.handle(request));
  const relay = options.isRelayed === true ? startRelay({ port: server.addr.port }) : undefined;
  const url = `http://127.0.0.1:${relay?.port ?? server.addr.port}`;
  const kubeconfigPath = await writeKubeconfig(url, token ?? "simulated");

  async function stop(): Promise<void> {
    if (stopping.signal.aborted) return;
    stopping.abort();
    controllers.stop();
    await relay?.[Symbol.asyncDispose]();
    await server.shutdown();
    await Deno.remove(kubeconfigPath);
  }

  return {
    url,
    kubeconfigPath,
    relay,
    requests: api.requests,
    arrivals: api.arrivals,
    fault: (matcher, answer) => api.faults.add(matcher, answer),
    endWatches: (options = { isExpired: false }) => api.endWatches(options),
    acceptToken: (token) => api.acceptToken(token),
    compact() {
      parts.store.compact();
      parts.reads.forget();
    },
    ...controllersByHand(controllers, parts.writes),
    ...byHand((request) => api.handleByHand(request), parts.registry),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
