import type { Credentials } from "./credentials.ts";

/** The ports and files that the programs' flags name. */
export interface Layout {
  readonly folder: string;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  readonly apiServerPort: number;
  readonly auditLogPath: string;
  readonly credentials: Credentials;
}

/** etcd on loopback, not waiting for the disk: nobody needs a test's cluster after a power cut. */
export function etcdFlags({ folder, etcdPort, etcdPeerPort }: Layout): string[] {
  const client = `http://127.0.0.1:${etcdPort}`;
  const peer = `http://127.0.0.1:${etcdPeerPort}`;
  return [
    `--data-dir=${folder}/etcd`,
    "--unsafe-no-fsync",
    "--log-level=warn",
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
}

/** The API server with RBAC and an audit log; it needs no other network interface than loopback. */
export function apiServerFlags(
  layout: Layout,
  options: { readonly makesServiceAccounts: boolean; readonly tracingPath?: string | undefined },
): string[] {
  const { credentials } = layout;
  return [
    `--etcd-servers=http://127.0.0.1:${layout.etcdPort}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${layout.apiServerPort}`,
    "--advertise-address=192.0.2.1",
    "--endpoint-reconciler-type=none",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=RBAC",
    "--allow-privileged=true",
    "--profiling=false",
    `--cert-dir=${credentials.certificatesPath}`,
    `--token-auth-file=${credentials.tokensPath}`,
    `--service-account-key-file=${credentials.serviceAccountKeyPath}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKeyPath}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--audit-log-path=${layout.auditLogPath}`,
    `--audit-policy-file=${credentials.auditPolicyPath}`,
    ...(options.makesServiceAccounts ? [] : ["--disable-admission-plugins=ServiceAccount"]),
    ...(options.tracingPath === undefined ? [] : [`--tracing-config-file=${options.tracingPath}`]),
  ];
}

/** The controllers: namespaces end, Deployments become ReplicaSets become Pods, owners' dependents are collected. */
export function controllerManagerFlags({ credentials }: Layout): string[] {
  return [
    ...clientFlags(credentials),
    `--service-account-private-key-file=${credentials.serviceAccountKeyPath}`,
    `--root-ca-file=${credentials.caPath}`,
    "--concurrent-namespace-syncs=20",
    "--min-resync-period=1h",
  ];
}

/** The scheduler: gives Pods to the one node. */
export function schedulerFlags({ credentials }: Layout): string[] {
  return clientFlags(credentials);
}

/** kwok: plays every node, and the life of the Pods on them. */
export function kwokFlags({ credentials }: Layout): string[] {
  return [`--kubeconfig=${credentials.kubeconfigPath}`, "--manage-all-nodes=true", "--server-address="];
}

function clientFlags({ kubeconfigPath }: Credentials): string[] {
  return [
    `--kubeconfig=${kubeconfigPath}`,
    "--leader-elect=false",
    "--secure-port=0",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
    "--profiling=false",
  ];
}
