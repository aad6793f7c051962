import type { Parts } from "../parts.ts";
import type { StoreEvent } from "../store.ts";
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

interface Watching {
  readonly control: Controller;
  /** Whether the change is one after which the controller has something to do. */
  isConcerned(event: StoreEvent): boolean;
}

/** Those that come later in a chain stand first, so that each step of it takes a turn of its own. */
const CONTROLLERS: readonly Watching[] = [
  { control: collectGarbage, isConcerned: endsOrOwns },
  on(releaseClaims, "persistentvolumeclaims.", "pods."),
  on(registerApiServices, "apiservices.apiregistration.k8s.io", "services."),
  orDeletion(on(keepNamespaces, "namespaces.", "resourcequotas.", "apiservices.apiregistration.k8s.io")),
  orDeletion(on(establishDefinitions, "customresourcedefinitions.apiextensions.k8s.io")),
  on(rollDeployments, "deployments.apps", "replicasets.apps", "resourcequotas."),
  on(runJobs, "jobs.batch"),
  on(runPods, "pods."),
  on(keepReplicas, "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "pods.", "resourcequotas."),
  { control: countQuotas, isConcerned: () => true },
];

function on(control: Controller, ...resources: string[]): Watching {
  return { control, isConcerned: ({ resource }) => resources.includes(resource) };
}

function orDeletion({ control, isConcerned }: Watching): Watching {
  return { control, isConcerned: (event) => event.type === "DELETED" || isConcerned(event) };
}

function endsOrOwns({ type, object: { metadata } }: StoreEvent): boolean {
  return type === "DELETED" || metadata.ownerReferences !== undefined || metadata.deletionTimestamp !== undefined;
}

/** Plays the controllers of a cluster: a turn, `delayMs` after something changed, of those whom the change concerns. */
export function startControllers(parts: Parts, delayMs: number): Controllers {
  const byHand = new Set<Controller>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let later: ReturnType<typeof setTimeout> | undefined;
  let due = new Set(CONTROLLERS);
  const schedule = () => timer ??= setTimeout(turn, delayMs);
  function turn() {
    timer = undefined;
    clearTimeout(later);
    const mine = CONTROLLERS.filter((controller) => due.has(controller)).map(({ control }) => control);
    due = new Set();
    const wishes = [...mine, ...byHand].map((control) => control(parts)).filter((wish) => wish !== undefined);
    if (wishes.length > 0) later = setTimeout(wakeAll, Math.min(...wishes));
  }
  function wakeAll() {
    due = new Set(CONTROLLERS);
    schedule();
  }
  const stopListening = parts.store.subscribe((event) => {
    for (const controller of CONTROLLERS) if (controller.isConcerned(event)) due.add(controller);
    schedule();
  });
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
