import assert from "node:assert/strict";
import { makeAuthority } from "../tests/fakes/certificates.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { countingMetrics } from "../tests/fakes/counting_metrics.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { type Failure, isFailure } from "$lib/error.ts";
import { type Kubernetes, type KubernetesOptions, openKubernetes } from "$lib/kubernetes.ts";

interface Kubeconfig {
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
}

/** Opens the door with a kubeconfig of one cluster and one user; answers what it throws, or undefined. */
async function refusalOf({ cluster = {}, user = {} }: Kubeconfig): Promise<string | undefined> {
  const path = await Deno.makeTempFile({ suffix: ".kubeconfig" });
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1", ...cluster } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "here" } }],
      "current-context": "x",
    }),
  );
  try {
    return await openAnd({ kubeconfigPath: path });
  } finally {
    await Deno.remove(path);
  }
}

type Options = Pick<Partial<KubernetesOptions>, "kubeconfigPath" | "env" | "serviceAccountFolder">;

function open(options: Options): Promise<Kubernetes> {
  const parts = { ...countingMetrics(), clock: new ManualClock(), random: () => 0.5, log: silentLog() };
  return openKubernetes({ ...parts, userAgent: "test/1", env: {}, ...options });
}

async function failureOf(options: Options): Promise<Failure | undefined> {
  try {
    (await open(options)).close();
    return undefined;
  } catch (error) {
    assert.ok(isFailure(error, "invalid_settings"), String(error));
    return error;
  }
}

async function openAnd(options: Options): Promise<string | undefined> {
  return (await failureOf(options))?.message;
}

Deno.test("openKubernetes() takes a kubeconfig with a token", async () => {
  assert.equal(await refusalOf({ user: { token: "t" } }), undefined);
});

Deno.test("openKubernetes() refuses a token that no header can hold, and does not repeat it", async () => {
  const message = await refusalOf({ user: { token: "one\ns3cr3t" } });

  assert.equal(message, "Cannot open Kubernetes: its token holds what no header can hold, such as the end of a line");
});

Deno.test("openKubernetes() refuses a cluster whose certificate nobody checks", async () => {
  const message = await refusalOf({ cluster: { "insecure-skip-tls-verify": true } });

  assert.match(message ?? "", /cluster "c" says insecure-skip-tls-verify; name its certificate-authority/);
});

Deno.test("openKubernetes() refuses a user for whom it would have to run a program, and says what to give instead", async () => {
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "some-login-helper",
    interactiveMode: "Never",
  };

  assert.equal(
    await refusalOf({ user: { exec } }),
    'Cannot open Kubernetes: user "u" logs in by running "some-login-helper" (exec), which this program does not; ' +
      "give it a token, a tokenFile or a client certificate instead",
  );
  assert.match(
    await refusalOf({ user: { "auth-provider": { name: "gcp", config: {} } } }) ?? "",
    /user "u" logs in by auth-provider "gcp", which this program does not; give it a token/,
  );
});

Deno.test("openKubernetes() logs in with OpenID Connect, and says who can't", async () => {
  const oidc = (exp: number) => {
    const token = ["{}", JSON.stringify({ exp }), ""].map((part) => btoa(part).replaceAll("=", "")).join(".");
    const config = { "id-token": token, "client-id": "c", "refresh-token": "r", "idp-issuer-url": "nowhere" };
    return { user: { "auth-provider": { name: "oidc", config } } };
  };

  assert.equal(await refusalOf(oidc(32_503_680_000)), undefined);
  assert.match(await refusalOf(oidc(1)) ?? "", /^Cannot open Kubernetes: user "u" cannot be authorized: /);
});

Deno.test("openKubernetes() puts the files of KUBECONFIG together, and refuses those that say one thing twice", async () => {
  const folder = await Deno.makeTempDir();
  const files = {
    first: "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\n",
    second: "current-context: y\nclusters:\n- name: c\n  cluster: {server: 'https://127.0.0.1:1'}\n",
    third: "users:\n- name: u\n  user: {client-certificate: mine.crt, client-key: mine.key}\n",
    empty: "",
  };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
  const named = (...names: string[]) => ({ env: { KUBECONFIG: names.map((name) => `${folder}/${name}`).join(":") } });

  const [whole, later, contextless, twice] = [
    await openAnd(named("first", "second", "third")),
    await openAnd(named("empty", "third", "first", "second")),
    await openAnd(named("second", "first")),
    await openAnd(named("first", "second", "second")),
  ];
  await Deno.remove(folder, { recursive: true });

  for (const one of [whole, later]) assert.match(one ?? "", new RegExp(`cannot be used: .*"?${folder}/mine.crt`));
  assert.match(contextless ?? "", /has no current context with a cluster/);
  assert.match(twice ?? "", /the files of KUBECONFIG do not go together: Duplicate cluster: c/);
});

Deno.test('openKubernetes() reads a kubeconfig as kubectl does: a "yes" that nobody checks the certificate is one', async () => {
  const path = await Deno.makeTempFile({ suffix: ".kubeconfig" });
  const cluster = "{server: 'https://127.0.0.1:1', insecure-skip-tls-verify: yes}";
  const contexts = "contexts: [{name: x, context: {cluster: c}}]";
  await Deno.writeTextFile(path, `clusters: [{name: c, cluster: ${cluster}}]\n${contexts}\ncurrent-context: x\n`);

  const message = await openAnd({ kubeconfigPath: path });
  await Deno.remove(path);

  assert.match(message ?? "", /cluster "c" says insecure-skip-tls-verify/);
});

Deno.test("openKubernetes() refuses groups without a user as whom it would ask, and a server that is no URL", async () => {
  assert.match(await refusalOf({ user: { "as-groups": ["admins"] } }) ?? "", /as-groups .* but not as whom \(as\)/);
  assert.match(await refusalOf({ cluster: { server: "nowhere" } }) ?? "", /cluster "c" has no server that is a URL/);
});

Deno.test("openKubernetes() names the file that cannot be read", async () => {
  const message = await openAnd({ kubeconfigPath: "/nowhere/kubeconfig" });

  assert.match(message ?? "", /^Cannot open Kubernetes: "\/nowhere\/kubeconfig" cannot be read: /);
});

Deno.test("openKubernetes() says what to name when there is neither a kubeconfig nor a pod", async () => {
  assert.match(await openAnd({}) ?? "", /there is no kubeconfig \(agent\.kubeconfig_path or KUBECONFIG\)/);
});

Deno.test("openKubernetes() repeats nothing of a kubeconfig that is not YAML", async () => {
  const path = await Deno.makeTempFile({ suffix: ".kubeconfig" });
  try {
    await Deno.writeTextFile(path, "users:\n- name: u\n  user:\n    token: s3cr3t\n   oops: [\n");

    const failure = await failureOf({ kubeconfigPath: path });

    assert.match(failure?.message ?? "", /kubeconfig" cannot be read: /);
    assert.doesNotMatch(`${failure?.message} ${failure?.cause}`, /s3cr3t/);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("openKubernetes() in a pod uses its service account, at the address of the environment", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { cert } = await makeAuthority("pods");
    for (const [name, text] of [["ca.crt", cert], ["token", "t"], ["namespace", "pod-space\n"]] as const) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };

    const kubernetes = await open({ env, serviceAccountFolder: folder });
    kubernetes.close();

    assert.equal(kubernetes.defaultNamespace, "pod-space");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openKubernetes() in a pod without a service account says which file is missing", async () => {
  const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };

  const message = await openAnd({ env, serviceAccountFolder: "/nowhere" });

  assert.match(message ?? "", /its certificates cannot be used: .*\/nowhere\/ca\.crt/);
});
