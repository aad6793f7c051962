import assert from "node:assert/strict";
import type { SecretScanner } from "./secret_scanner.ts";
import { eventually } from "./wait.ts";
import type { World } from "./world.ts";

const PLACE = "/api/v1/namespaces/default/secrets";
const QUOTING = "quoted-by-a-policy";
const LARGE = 1_200_000;
const TOO_LARGE = 9_000_000;

/** Secrets that are applied, refused by the API server in words that quote them, and refused by the broker. */
export async function submitSecrets(world: World, scanner: SecretScanner): Promise<void> {
  const data = scanner.addSecret("a value of data", "hush-in-data");
  const applied = secret(
    "applied",
    `data: { one: ${btoa(data)} }
stringData: { other: ${scanner.addSecret("a value of stringData", "hush-in-string-data")} }`,
  );
  await world.untilApplied(await world.submit(await world.addStack("applied"), applied));
  await refusedByCluster(world, scanner);
  await refusedByBroker(world, scanner);
}

async function refusedByCluster(world: World, scanner: SecretScanner): Promise<void> {
  const password = scanner.addSecret("a value that a policy quotes", "hush-in-a-policy");
  await refuseQuoting(world, password);
  const refused = {
    "denied": secret(QUOTING, `stringData: { password: ${password} }`),
    "got": secret("mistyped", `stringData: { pin: ${scanner.addSecret("a number in stringData", "471147114711")} }`),
    "base64": secret("encoded", `data: { password: ${scanner.addSecret("what is not base64", "hush-_not_base64")} }`),
    "Too long|too large": secret(
      "large",
      `stringData: { much: ${scanner.addSecret("a large value", large("l", LARGE))} }`,
    ),
  };
  await Promise.all(
    Object.entries(refused).map(async ([why, manifest], at) => {
      const object = await world.submit(await world.addStack(`refused-${at}`), manifest);
      await eventually(`a Secret is refused: ${why}`, async () => {
        const [event] = await world.events(object.id);
        return event?.status === "FAILURE" && new RegExp(why).test(event.message ?? "");
      }).catch(async (cause) => {
        throw new Error(JSON.stringify(await world.events(object.id)), { cause });
      });
    }),
  );
}

/** Lets the API server refuse one Secret in words that quote its password. */
async function refuseQuoting({ cluster, servers: { simulated } }: World, password: string): Promise<void> {
  if (simulated !== undefined) {
    const message = `admission webhook "strict.example" denied the request: the password ${password} is too weak`;
    simulated.fault({ path: `${PLACE}/${QUOTING}`, method: "PATCH" }, { status: 403, message, times: Infinity });
    return;
  }
  const group = "/apis/admissionregistration.k8s.io/v1";
  const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["secrets"] };
  const policy = { apiVersion: "admissionregistration.k8s.io/v1", metadata: { name: "strict" } };
  await cluster.create(`${group}/validatingadmissionpolicies`, {
    ...policy,
    kind: "ValidatingAdmissionPolicy",
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{
        expression: `object.metadata.name != "${QUOTING}"`,
        messageExpression: `"the password " + string(object.data.password) + " is too weak"`,
      }],
    },
  });
  await cluster.create(`${group}/validatingadmissionpolicybindings`, {
    ...policy,
    kind: "ValidatingAdmissionPolicyBinding",
    spec: { policyName: "strict", validationActions: ["Deny"] },
  });
  const manifest = { apiVersion: "v1", kind: "Secret", metadata: { name: QUOTING }, stringData: { password } };
  await eventually("the policy quotes the password", async () => {
    const said = await cluster.create(`${PLACE}?dryRun=All`, manifest).catch(String);
    return typeof said === "string" && (said.includes(password) || said.includes(btoa(password)));
  });
}

async function refusedByBroker({ generatorPak, broker, ...world }: World, scanner: SecretScanner): Promise<void> {
  const stack = await world.addStack("never");
  const what = `/stacks/${stack}/deployment-objects`;
  const hush = scanner.addSecret("a value in faulty YAML", "hush-in-yaml");
  const bodies = {
    "application/yaml": [
      ...[
        `"${hush}`,
        `*${hush}`,
        `!${hush}! x`,
        `"\\${hush}"`,
        `{ ${hush}: 1, ${hush}: 2 }`,
        `${hush}: ${hush}: ${hush}`,
      ]
        .map((value) => secret("faulty", `stringData:\n  password: ${value}`)),
      `${hush}: 1\n`,
      `kind: Secret\n\t${hush}: x`,
      secret("labelled", `stringData: { password: ${scanner.addSecret("beside a label", "hush-label")} }`)
        .replace("{ name", "{ labels: { applyset.kubernetes.io/id: x }, name"),
      secret(
        "huge",
        `stringData: { much: ${scanner.addSecret("a value too large for the broker", large("h", TOO_LARGE))} }`,
      ),
    ],
    "application/json": [`{"yaml_content": "${hush}`, `{"yaml_content": ${hush}}`, `{"yaml_content": ["${hush}"]}`],
  };
  for (const [type, texts] of Object.entries(bodies)) {
    for (const body of texts) {
      const headers = { "content-type": type, authorization: generatorPak };
      const answer = await scanner.ask(`${broker.url}/api/v1${what}`, { method: "POST", headers, body });
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}: ${body.slice(0, 200)}`);
    }
  }
}

function secret(name: string, fields: string): string {
  return `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\n${fields}\n`;
}

function large(letter: string, length: number): string {
  return `hush-large-${letter}-`.repeat(length / 13).slice(0, length);
}
