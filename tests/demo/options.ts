/** Where the demo delivers to. */
export type ClusterChoice = "simulated" | "real" | { readonly kubeconfigPath: string };

/** What the demo was asked for. */
export interface DemoOptions {
  readonly cluster: ClusterChoice;
  /** Whether it ends after its table. */
  readonly once: boolean;
  /** Whether it prints the trace of its first delivery. */
  readonly trace: boolean;
  /** Where both programs send their telemetry: a base URL of OTLP over HTTP. */
  readonly otlp: string | undefined;
}

/** How to call the demo, for a person who got it wrong. */
const USAGE = "usage: deno task demo [--once] [--cluster simulated|real | --kubeconfig FILE] [--trace | --otlp URL]";

/**
 * Reads the demo's arguments.
 *
 * @throws {Error} That names the argument it does not know.
 */
export function readOptions(args: readonly string[]): DemoOptions {
  let [once, trace] = [false, false];
  let otlp: string | undefined;
  let cluster: ClusterChoice = "simulated";
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--once") once = true;
    else if (word === "--trace") trace = true;
    else if (word === "--otlp") otlp = baseUrl(rest.shift());
    else if (word === "--cluster") cluster = knownCluster(rest.shift());
    else if (word === "--kubeconfig") cluster = { kubeconfigPath: named(rest.shift()) };
    else throw new Error(`Cannot understand "${word}"\n${USAGE}`);
  }
  if (trace && otlp !== undefined) throw new Error(`Cannot print a trace that is sent elsewhere\n${USAGE}`);
  return { once, cluster, trace, otlp };
}

function knownCluster(value: string | undefined): ClusterChoice {
  if (value === "simulated" || value === "real") return value;
  throw new Error(`Cannot use cluster "${value ?? ""}": there is simulated and real\n${USAGE}`);
}

function baseUrl(value = ""): string {
  const protocol = URL.parse(value)?.protocol;
  if (protocol === "http:" || protocol === "https:") return value;
  throw new Error(`Cannot use --otlp "${value}": it is no URL such as http://127.0.0.1:4318\n${USAGE}`);
}

function named(value: string | undefined): string {
  if (value === undefined || value === "") throw new Error(`Cannot use --kubeconfig: no file is named\n${USAGE}`);
  return value;
}
