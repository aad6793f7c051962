/** Where the demo delivers to. */
export type ClusterChoice = "simulated" | "real" | { readonly kubeconfigPath: string };

/** What the demo was asked for. */
export interface DemoOptions {
  readonly cluster: ClusterChoice;
  /** Whether it ends after its table. */
  readonly once: boolean;
}

/** How to call the demo, for a person who got it wrong. */
const USAGE = "usage: deno task demo [--once] [--cluster simulated|real | --kubeconfig FILE]";

/**
 * Reads the demo's arguments.
 *
 * @throws {Error} That names the argument it does not know.
 */
export function readOptions(args: readonly string[]): DemoOptions {
  let once = false;
  let cluster: ClusterChoice = "simulated";
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--once") once = true;
    else if (word === "--cluster") cluster = knownCluster(rest.shift());
    else if (word === "--kubeconfig") cluster = { kubeconfigPath: named(rest.shift()) };
    else throw new Error(`Cannot understand "${word}"\n${USAGE}`);
  }
  return { once, cluster };
}

function knownCluster(value: string | undefined): ClusterChoice {
  if (value === "simulated" || value === "real") return value;
  throw new Error(`Cannot use cluster "${value ?? ""}": there is simulated and real\n${USAGE}`);
}

function named(value: string | undefined): string {
  if (value === undefined || value === "") throw new Error(`Cannot use --kubeconfig: no file is named\n${USAGE}`);
  return value;
}
