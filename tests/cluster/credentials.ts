import { generateKeyPairSync, randomBytes } from "node:crypto";
import { AUDIT_POLICY } from "./audit.ts";

/** The files that a control plane is started with, and the admin's token. */
export interface Credentials {
  readonly token: string;
  readonly tokensPath: string;
  readonly serviceAccountKeyPath: string;
  readonly auditPolicyPath: string;
  readonly kubeconfigPath: string;
  /** Where the API server puts the certificate that it makes for itself. */
  readonly certificatesPath: string;
  /** That certificate, which is its own authority; there once the API server has started. */
  readonly caPath: string;
}

/** Writes everything into `folder`: a fresh admin token (group `system:masters`), a key, a policy, a kubeconfig. */
export async function writeCredentials(folder: string, url: string): Promise<Credentials> {
  const credentials = {
    token: randomBytes(24).toString("hex"),
    tokensPath: `${folder}/tokens.csv`,
    serviceAccountKeyPath: `${folder}/service-account.key`,
    auditPolicyPath: `${folder}/audit-policy.json`,
    kubeconfigPath: `${folder}/kubeconfig`,
    certificatesPath: `${folder}/certificates`,
    caPath: `${folder}/certificates/apiserver.crt`,
  };
  await writeSecret(credentials.tokensPath, `${credentials.token},admin,admin,system:masters\n`);
  await writeSecret(credentials.serviceAccountKeyPath, serviceAccountKey());
  await writeSecret(credentials.auditPolicyPath, AUDIT_POLICY);
  await writeSecret(credentials.kubeconfigPath, kubeconfig(url, credentials));
  return credentials;
}

function writeSecret(path: string, text: string): Promise<void> {
  return Deno.writeTextFile(path, text, { mode: 0o600 });
}

function serviceAccountKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return privateKey.export({ type: "sec1", format: "pem" }).toString();
}

/** JSON is YAML. */
function kubeconfig(url: string, { token, caPath }: Pick<Credentials, "token" | "caPath">): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority": caPath } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    "current-context": "test",
  });
}
