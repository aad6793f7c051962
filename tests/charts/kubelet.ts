import assert from "node:assert/strict";
import { get as getPlain } from "node:http";
import { get as getSecured } from "node:https";
import { dirname } from "node:path";
import { stablePort } from "../cluster/ports.ts";
import { waitFor } from "../run/wait.ts";
import { type Program, type Settings, startAgent, startBroker } from "../system/programs.ts";
import { kubeconfigOf, NAMESPACE, type Place } from "./cluster.ts";
import type { Container } from "./render.ts";

/** A Pod as the API server has it, with every default. */
export interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly [PodContainer];
    readonly volumes: readonly Volume[];
  };
  readonly status: { readonly podIP: string };
}

interface PodContainer extends Container {
  readonly name: string;
  readonly command?: readonly string[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme: "HTTP" | "HTTPS" };
}

interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  /** What a ServiceAccount's token comes in. */
  readonly projected?: unknown;
}

/** A Pod whose container's program runs here, as a process of this machine. */
export interface RunningPod extends AsyncDisposable {
  readonly pod: Pod;
  readonly program: Program;
  /** Where the container's ports are: from the Pod's address to the one here. */
  readonly addresses: ReadonlyMap<string, string>;
}

/**
 * What a kubelet does, without a container: runs the program with the Pod's own arguments, environment, Secrets and
 * volumes, and waits until its probes are content. What can't be as in a container is mapped: addresses and ports that
 * are listened on to free ones of loopback, mounted folders into a temporary one, and the ServiceAccount's token, which
 * the program would look for at a fixed path, to a kubeconfig with such a token.
 */
export async function runPod(place: Place, pod: Pod): Promise<RunningPod> {
  const [container] = pod.spec.containers;
  assert.equal(container.command, undefined);
  const started = new AsyncDisposableStack();
  try {
    const folder = await Deno.makeTempDir({ prefix: "brokkr-pod-" });
    started.defer(() => Deno.remove(folder, { recursive: true }));
    const ports = new Map(container.ports.map(({ containerPort }) => [String(containerPort), stablePort()]));
    const mounted = await mount(place, { pod, folder });
    const settings = { ...await settingsOf(place, container, { folder, ports }), ...mounted };
    const start = container.name === "agent" ? startAgent : startBroker;
    const program = started.use(start(settings, { port: [...ports.values()][0] ?? 0, words: container.args }));
    await probe(container, { program, ports });
    const addresses = [...ports].map(([port, here]) => [`${pod.status.podIP}:${port}`, `127.0.0.1:${here}`] as const);
    const dispose = () => started.disposeAsync();
    return { pod, program, addresses: new Map(addresses), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

/** Puts the container's volumes below a folder; answers the settings that say what can't be found there. */
async function mount(place: Place, { pod, folder }: { pod: Pod; folder: string }): Promise<Settings> {
  const settings: Record<string, string> = {};
  for (const { name, mountPath } of pod.spec.containers[0].volumeMounts ?? []) {
    const volume = pod.spec.volumes.find((one) => one.name === name);
    await Deno.mkdir(`${folder}${mountPath}`, { recursive: true });
    if (volume?.projected !== undefined) {
      settings["AGENT__KUBECONFIG_PATH"] = await kubeconfigOf(place, pod.spec.serviceAccountName);
    }
    if (volume?.secret === undefined) continue;
    const { secretName, defaultMode: mode } = volume.secret;
    for (const [key, text] of Object.entries(await secret(place, secretName))) {
      await Deno.writeTextFile(`${folder}${mountPath}/${key}`, text, { mode });
    }
  }
  return settings;
}

/** The contents of a Secret. */
export async function secret({ admin }: Place, name: string): Promise<Readonly<Record<string, string>>> {
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets/${name}`;
  const { data } = await admin.request<{ data: Readonly<Record<string, string>> }>("GET", path);
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, atob(text)]));
}

interface Here {
  readonly folder: string;
  /** By those of the container. */
  readonly ports: ReadonlyMap<string, number>;
}

/** What the container's environment says, with what has to be another here. */
async function settingsOf(place: Place, container: PodContainer, here: Here): Promise<Settings> {
  const folders = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);
  const settings: Record<string, string> = {};
  for (const { name, value = "", valueFrom } of container.env) {
    const key = valueFrom?.secretKeyRef;
    const known = valueFrom?.fieldRef === undefined ? value : "pod";
    const text = key === undefined ? known : (await secret(place, key.name))[key.key] ?? "";
    if (name === "DENO_V8_FLAGS") continue; // of a container's memory, and here is none
    if (name === "BROKKR_POD_UID") continue; // every program started here says it is the same Pod
    assert.match(name, /^BROKKR__/);
    const isMounted = folders.some((one) => text === one || dirname(text) === one);
    settings[name.replace("BROKKR__", "")] = isMounted ? `${here.folder}${text}` : listening(name, { text, here });
  }
  return settings;
}

const ADDRESSES = ["BROKKR__BROKER__LISTEN", "BROKKR__AGENT__HEALTH_ADDRESS"];
const PORTS = ["BROKKR__BROKER__LISTEN", "BROKKR__AGENT__HEALTH_PORT", "BROKKR__METRICS__PORT"];

/** A port that the container does not declare has nowhere to go. */
function listening(name: string, { text, here: { ports } }: { text: string; here: Here }): string {
  const address = ADDRESSES.includes(name) ? text.replace("0.0.0.0", "127.0.0.1") : text;
  if (!PORTS.includes(name)) return address;
  return address.replace(
    /\d+$/,
    (port) => String(ports.get(port) ?? assert.fail(`${name}: no port ${port} is declared`)),
  );
}

interface Probed {
  readonly program: Program;
  readonly ports: ReadonlyMap<string, number>;
}

/**
 * The startup probe until it is content, then liveness, then readiness. Their limits are those of a node with room for
 * the Pod, and no machine on which everything is tested at once: none of them ends the wait.
 */
async function probe(container: PodContainer, { program, ports }: Probed): Promise<void> {
  for (const name of ["startupProbe", "livenessProbe", "readinessProbe"] as const) {
    const { httpGet } = container[name];
    const port = container.ports.find((one) => one.name === httpGet.port)?.containerPort;
    const url = `${httpGet.scheme.toLowerCase()}://127.0.0.1:${ports.get(String(port))}${httpGet.path}`;
    await waitFor(async () => {
      const status = await statusOf(url);
      return status >= 200 && status < 400 ? true : undefined;
    }, {
      what: `see the ${name} of ${container.name} content`,
      detail: () => Promise.resolve(program.output()),
    });
  }
}

/** Whatever the certificate: a kubelet looks at none, and shows none. What hangs is asked again. */
function statusOf(url: string): Promise<number> {
  const get = url.startsWith("https:") ? getSecured : getPlain;
  const signal = AbortSignal.timeout(30_000);
  return new Promise((resolve, reject) => {
    get(url, { signal, agent: false, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    }).on("error", reject);
  });
}
