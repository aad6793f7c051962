import { ask, type CaseCluster, unique } from "./ask.ts";

/** One thing that every cluster must do, the simulated and the real one. */
export interface ClusterCase {
  /** A claim: what the cluster does, and when. */
  readonly name: string;
  /** Why an implementation cannot show it. */
  readonly skipOn?: { readonly simulated?: string; readonly real?: string };
  run(cluster: CaseCluster): Promise<void>;
}

/** A case that gets a namespace of its own, which is deleted after it. */
export function inNamespace(
  name: string,
  run: (cluster: CaseCluster, namespace: string) => Promise<void>,
): ClusterCase {
  return {
    name,
    async run(cluster) {
      const namespace = unique("case");
      await makeNamespace(cluster, namespace);
      try {
        await run(cluster, namespace);
      } finally {
        await ask(cluster, "DELETE", `/api/v1/namespaces/${namespace}`);
      }
    },
  };
}

/** Creates a namespace. */
export async function makeNamespace(cluster: CaseCluster, name: string): Promise<void> {
  await ask(cluster, "POST", "/api/v1/namespaces", { body: { metadata: { name } } });
}
