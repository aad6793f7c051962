import type { Parts } from "../parts.ts";
import { registerApiServices } from "./api_services.ts";
import { releaseClaims } from "./claims.ts";
import { establishDefinitions } from "./definitions.ts";
import { rollDeployments } from "./deployments.ts";
import { collectGarbage } from "./garbage.ts";
import { runJobs } from "./jobs.ts";
import { keepNamespaces } from "./namespaces.ts";
import { runPods } from "./pods.ts";
import { countQuotas } from "./quotas.ts";
import { keepReplicas } from "./replicas.ts";

/** One turn of a controller; it may say in how many milliseconds it wants another one. */
export type Controller = (parts: Parts) => number | undefined | void;

/** The controllers of a cluster, at work. */
export interface Controllers {
  /** Adds one that a test made; the returned function takes it back. */
  add(controller: Controller): () => void;
  stop(): void;
}

/** Those that come later in a chain stand first, so that each step of it takes a turn of its own. */
const CONTROLLERS: readonly Controller[] = [
  collectGarbage,
  releaseClaims,
  registerApiServices,
  keepNamespaces,
  establishDefinitions,
  rollDeployments,
  runJobs,
  runPods,
  keepReplicas,
  countQuotas,
];

/** Plays the controllers of a cluster: a turn of all of them, `delayMs` after something changed. */
export function startControllers(parts: Parts, delayMs: number): Controllers {
  const byHand = new Set<Controller>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let later: ReturnType<typeof setTimeout> | undefined;
  const schedule = () => timer ??= setTimeout(turn, delayMs);
  function turn() {
    timer = undefined;
    clearTimeout(later);
    const wishes = [...CONTROLLERS, ...byHand].map((control) => control(parts)).filter((wish) => wish !== undefined);
    if (wishes.length > 0) later = setTimeout(schedule, Math.min(...wishes));
  }
  const stopListening = parts.store.subscribe(schedule);
  turn();
  return {
    add(controller) {
      byHand.add(controller);
      schedule();
      return () => byHand.delete(controller);
    },
    stop() {
      stopListening();
      clearTimeout(timer);
      clearTimeout(later);
    },
  };
}
