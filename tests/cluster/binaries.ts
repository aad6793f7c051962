import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter } from "node:path";

/** The Kubernetes that `go.mod` names, without its `v`. */
export const KUBERNETES_VERSION = "1.36.3";
/** The kwok that plays the nodes, without its `v`. */
export const KWOK_VERSION = "0.7.0";
/** The file that `deno task setup` builds; the control plane's programs are symbolic links to it. */
export const MULTI_CALL = "control-plane";
/** The names that the multi-call program answers to. */
export const PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;

/** Paths of a control plane's programs. */
export interface ControlPlaneBinaries {
  readonly etcd: string;
  readonly apiServer: string;
  /** What makes Deployments, Pods and the end of namespaces work; envtest's folder does not have these three. */
  readonly controllers?: Controllers;
}

/** The programs beside the API server. */
export interface Controllers {
  readonly controllerManager: string;
  readonly scheduler: string;
  readonly kwok: string;
}

/** Where this checkout's control plane is kept once it is built: another `go.sum` or version is another folder. */
export function controlPlaneFolder(): string {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "main.go"]) hash.update(readFileSync(new URL(file, import.meta.url)));
  return `${cacheFolder()}/control-plane-${KUBERNETES_VERSION}-${hash.digest("hex").slice(0, 12)}`;
}

/** Where kwok is kept once it is built. */
export function kwokFolder(): string {
  return `${cacheFolder()}/kwok-${KWOK_VERSION}`;
}

/** The folder of everything that `deno task setup` builds; it may be removed at any time. */
export function cacheFolder(): string {
  const home = Deno.env.get("HOME") || homedir();
  return `${Deno.env.get("XDG_CACHE_HOME") || `${home}/.cache`}/brokkr`;
}

/**
 * The control plane that tests run on: the one `deno task setup` built, else the folder that `KUBEBUILDER_ASSETS`
 * names, else `undefined`. Only looks whether files exist, so it is cheap enough to be asked at a test's registration.
 */
export function locateControlPlane(): ControlPlaneBinaries | undefined {
  const built = programsIn(controlPlaneFolder());
  const kwok = locateKwok();
  if (built?.controllers !== undefined && kwok !== undefined) {
    return { ...built, controllers: { ...built.controllers, kwok } };
  }
  const assets = Deno.env.get("KUBEBUILDER_ASSETS");
  return assets ? withKwok(programsIn(assets), kwok) : undefined;
}

/** The same as {@linkcode locateControlPlane}, for callers who await. */
export function findControlPlane(): Promise<ControlPlaneBinaries | undefined> {
  return Promise.resolve(locateControlPlane());
}

/** kwok of the cache, or of `PATH`. */
function locateKwok(): string | undefined {
  const folders = [kwokFolder(), ...(Deno.env.get("PATH") ?? "").split(delimiter)];
  return folders.map((folder) => `${folder}/kwok`).find((path) => existsSync(path));
}

type Found = Omit<ControlPlaneBinaries, "controllers"> & { readonly controllers?: Omit<Controllers, "kwok"> };

function programsIn(folder: string): Found | undefined {
  const [etcd, apiServer, controllerManager, scheduler] = PROGRAMS.map((name) => `${folder}/${name}`)
    .map((path) => existsSync(path) ? path : undefined);
  if (etcd === undefined || apiServer === undefined) return undefined;
  if (controllerManager === undefined || scheduler === undefined) return { etcd, apiServer };
  return { etcd, apiServer, controllers: { controllerManager, scheduler } };
}

function withKwok(found: Found | undefined, kwok: string | undefined): ControlPlaneBinaries | undefined {
  if (found === undefined) return undefined;
  const { controllers, ...rest } = found;
  return controllers === undefined || kwok === undefined ? rest : { ...rest, controllers: { ...controllers, kwok } };
}
