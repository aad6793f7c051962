import type { Parts } from "../parts.ts";
import { releaseClaims } from "./claims.ts";
import { establishDefinitions } from "./definitions.ts";
import { rollDeployments } from "./deployments.ts";
import { collectGarbage } from "./garbage.ts";
import { keepNamespaces } from "./namespaces.ts";
import { runPods } from "./pods.ts";
import { countQuotas } from "./quotas.ts";
import { keepReplicas } from "./replicas.ts";

/** Those that come later in a chain stand first, so that each step of it takes a turn of its own. */
const CONTROLLERS: readonly ((parts: Parts) => void)[] = [
  collectGarbage,
  releaseClaims,
  keepNamespaces,
  establishDefinitions,
  rollDeployments,
  runPods,
  keepReplicas,
  countQuotas,
];

/**
 * Plays the controllers of a cluster: a turn of all of them, `delayMs` after something changed.
 *
 * @returns A function that stops them.
 */
export function startControllers(parts: Parts, delayMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const schedule = () => timer ??= setTimeout(turn, delayMs);
  function turn() {
    timer = undefined;
    for (const control of CONTROLLERS) control(parts);
  }
  const stopListening = parts.store.subscribe(schedule);
  turn();
  return () => {
    stopListening();
    clearTimeout(timer);
  };
}
