import { basename } from "node:path";
import type { Child } from "../run/child.ts";
import { GuardedProcesses } from "../run/guarded_processes.ts";
import { GivenUp, waitFor } from "../run/wait.ts";
import type { Controllers, ControlPlaneBinaries } from "./binaries.ts";
import { type Admin, adminOf } from "./admin.ts";
import { writeCredentials } from "./credentials.ts";
import { apiServerFlags, controllerManagerFlags, etcdFlags, kwokFlags, type Layout, schedulerFlags } from "./flags.ts";
import { onFreePorts, stablePort } from "./ports.ts";

/** Nothing on their disks is worth a longer goodbye, and an API server takes its time while clients watch. */
const KILL_AFTER_MS = 1_000;

export { readAudit } from "./audit.ts";
export type { AuditEvent } from "./audit.ts";
export { findControlPlane, locateControlPlane } from "./binaries.ts";
export type { ControlPlaneBinaries } from "./binaries.ts";

/** What to start beside etcd and the API server. */
export interface ControlPlaneOptions {
  /** Controllers (namespaces end, service accounts and their tokens); true when left out and the programs are there. */
  readonly controllers?: boolean;
  /** A scheduler and a node, so that Pods run; true when left out and the programs are there. Needs controllers. */
  readonly nodes?: boolean;
  /**
   * Where the API server sends its part of traces that others have sampled: OTLP over gRPC, such as `127.0.0.1:4317`.
   */
  readonly tracesTo?: string;
}

/** A Kubernetes control plane on loopback, in a temporary folder of its own. */
export interface ControlPlane extends AsyncDisposable {
  /** A kubeconfig for the admin, who may do everything. */
  readonly kubeconfigPath: string;
  readonly url: string;
  /** The admin's bearer token. */
  readonly token: string;
  /** The certificate authority of `url`. */
  readonly caPath: string;
  /** One JSON object a line and request, see {@linkcode readAudit}. */
  readonly auditLogPath: string;
  /** Ends every process and removes the folder. */
  stop(): Promise<void>;
  /** Takes the API server away; the rest goes on. Resolves when its port is free. */
  stopApiServer(): Promise<void>;
  /** Brings it back on the same port, with the same certificate and data. Resolves when it is ready. */
  startApiServer(): Promise<void>;
}

/**
 * Starts a control plane. Resolves when the API server is ready and, with nodes, a Pod can run.
 *
 * @throws When it is not ready within a minute, with the end of the log of the program at fault.
 */
export function startControlPlane(
  binaries: ControlPlaneBinaries,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  return onFreePorts(() => startOnce(binaries, options));
}

async function startOnce(binaries: ControlPlaneBinaries, options: ControlPlaneOptions): Promise<ControlPlane> {
  const processes = await GuardedProcesses.open("cluster");
  try {
    return await startIn(processes, binaries, options);
  } catch (error) {
    await processes.close();
    throw error;
  }
}

/** Fewer collections: the five programs share two cores with what they are tested with, and have memory to spare. */
const GO_MEMORY_FOR_TIME = { GOGC: "400" };

type Start = (program: string, args: readonly string[]) => Promise<Child>;

async function startIn(
  processes: GuardedProcesses,
  binaries: ControlPlaneBinaries,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const layout = await layOut(processes.folder);
  const start: Start = (program, args) =>
    processes.start({ name: basename(program), program, args, env: GO_MEMORY_FOR_TIME, killAfterMs: KILL_AFTER_MS });
  const controllers = options.controllers === false ? undefined : binaries.controllers;
  const tracingPath = options.tracesTo === undefined ? undefined : await writeTracing(layout.folder, options.tracesTo);
  const flags = apiServerFlags(layout, { makesServiceAccounts: controllers !== undefined, tracingPath });
  const apiServer = () => start(binaries.apiServer, flags);
  const etcd = await start(binaries.etcd, etcdFlags(layout));
  let running = await apiServer();
  await untilReady(layout, [etcd, running]);
  if (controllers !== undefined) await startControllers(start, layout, { controllers, nodes: options.nodes ?? true });
  return {
    ...layout.credentials,
    url: urlOf(layout),
    auditLogPath: layout.auditLogPath,
    stop: () => processes.close(),
    stopApiServer: () => running.stop(),
    startApiServer: async () => {
      running = await apiServer();
      await untilReady(layout, [etcd, running]);
    },
    [Symbol.asyncDispose]: () => processes.close(),
  };
}

/** A ratio of none of its own: what nobody sampled is no trace. */
async function writeTracing(folder: string, endpoint: string): Promise<string> {
  const path = `${folder}/tracing.json`;
  const kind = { apiVersion: "apiserver.config.k8s.io/v1", kind: "TracingConfiguration" };
  await Deno.writeTextFile(path, JSON.stringify({ ...kind, endpoint, samplingRatePerMillion: 0 }));
  return path;
}

async function layOut(folder: string): Promise<Layout> {
  const apiServerPort = stablePort();
  return {
    folder,
    apiServerPort,
    etcdPort: stablePort(),
    etcdPeerPort: stablePort(),
    auditLogPath: `${folder}/audit.log`,
    credentials: await writeCredentials(folder, `https://127.0.0.1:${apiServerPort}`),
  };
}

async function startControllers(
  start: Start,
  layout: Layout,
  { controllers, nodes }: { readonly controllers: Controllers; readonly nodes: boolean },
): Promise<void> {
  const { controllerManager, scheduler, kwok } = controllers;
  const children = [await start(controllerManager, controllerManagerFlags(layout))];
  if (nodes) {
    children.push(await start(scheduler, schedulerFlags(layout)));
    children.push(await start(kwok, kwokFlags(layout)));
  }
  using admin = await adminOf(urlOf(layout), layout.credentials);
  if (nodes) await admin.createNode();
  await waitWatching(
    children,
    "run Pods",
    async () => await hasServiceAccount(admin) && (!nodes || await admin.isNodeReady()),
  );
}

function hasServiceAccount(admin: Admin): Promise<boolean> {
  return admin.exists("/api/v1/namespaces/default/serviceaccounts/default");
}

async function untilReady(layout: Layout, children: readonly Child[]): Promise<void> {
  await waitWatching(children, "start the control plane", async () => {
    using admin = await adminOf(urlOf(layout), layout.credentials);
    return await admin.exists("/readyz");
  });
}

async function waitWatching(children: readonly Child[], what: string, isSo: () => Promise<boolean>): Promise<void> {
  await waitFor(async () => {
    const over = children.find((child) => child.hasEnded());
    if (over !== undefined) {
      throw new GivenUp(`${over.name} has ended with ${await over.ended}:\n${await over.logTail()}`);
    }
    return await isSo() ? true : undefined;
  }, { what, detail: () => logTails(children) });
}

async function logTails(children: readonly Child[]): Promise<string> {
  const tails = await Promise.all(children.map(async (child) => `--- ${child.name}\n${await child.logTail()}`));
  return tails.join("\n");
}

function urlOf({ apiServerPort }: Layout): string {
  return `https://127.0.0.1:${apiServerPort}`;
}
