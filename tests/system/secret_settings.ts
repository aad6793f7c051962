import assert from "node:assert/strict";
import { newPak } from "$lib/ids.ts";
import { stablePort } from "../cluster/ports.ts";
import type { SecretScanner } from "./secret_scanner.ts";
import { runCommand, type Settings, startAgent, startBroker } from "./programs.ts";
import { eventually } from "./wait.ts";

/** What misconfigured programs work with. */
export interface Misconfiguration {
  /** How they log. */
  readonly log: Settings;
  /** Where there is room for files. */
  readonly folder: string;
  readonly brokerUrl: string;
  /** The key of the agent `spare` in `cluster`. */
  readonly sparePak: string;
}

const NAMES: Settings = { AGENT__AGENT_NAME: "spare", AGENT__CLUSTER_NAME: "cluster" };

/** Programs that are told secrets, right and wrong ones, and say what they make of them. */
export async function misconfigure(scanner: SecretScanner, misconfiguration: Misconfiguration): Promise<void> {
  await Promise.all([
    printSettings(scanner),
    endAtOnce(scanner, misconfiguration.folder),
    brokerWithoutDatabase(scanner, misconfiguration),
    agentWithBadKey(scanner, misconfiguration),
  ]);
}

async function printSettings(scanner: SecretScanner): Promise<void> {
  const password = scanner.addSecret("a connection string's password", "hush-in-settings");
  const pak = scanner.addKey("a key in the settings", newPak());
  const url = `postgresql://me:${password}@db.example/brokkr`;
  const basic = `https://me:${password}@broker.example`;
  const misconfiguration: readonly [name: "broker" | "agent", words: readonly string[], settings: Settings][] = [
    ["broker", ["--print-settings"], { DATABASE__URL: url }],
    ["broker", ["--print-settings", "--database-url", url, "--metrics-colour", pak], { BROKER__PAK_HASH: pak }],
    ["agent", ["--print-settings", "--agent-pak", pak], { AGENT__BROKER_URL: basic, AGENT__CLUSTER_NAME: pak }],
    ["agent", ["--print-settings"], { ...NAMES, AGENT__BROKER_URL: basic, AGENT__PAK: pak }],
  ];
  for (const [name, words, settings] of misconfiguration) {
    const { stdout, stderr } = await runCommand(name, words, settings);
    scanner.record(`brokkr-${name} --print-settings`, stdout + stderr);
    assert.ok(stdout.includes("***") || stderr.includes("Cannot start"), stdout + stderr);
  }
}

/** Agents whose kubeconfig can't be read: it holds a token, beside a fault. */
async function endAtOnce(scanner: SecretScanner, folder: string): Promise<void> {
  const token = scanner.addSecret("a token in a faulty kubeconfig", "hush-kubeconfig");
  const values = [`"${token}`, `*${token}`, `!${token} x`];
  const broken = values.map((value) => `users:\n- name: me\n  user:\n    token: ${value}\n`);
  const settings = { ...NAMES, AGENT__BROKER_URL: `http://127.0.0.1:${stablePort()}`, AGENT__PAK: newPak() };
  for (const [at, text] of [...broken, kubeconfigWith(`two\n${token}`)].entries()) {
    const path = `${folder}/kubeconfig-${at}`;
    await Deno.writeTextFile(path, text);
    const { code, stderr } = await runCommand("agent", [], { ...settings, AGENT__KUBECONFIG_PATH: path });
    assert.equal(code, 1, stderr);
    scanner.record(`an agent with kubeconfig ${text.replaceAll(token, "<token>")}`, stderr);
  }
}

/** A broker whose database is not there, though its password is right. */
async function brokerWithoutDatabase(scanner: SecretScanner, { log, folder }: Misconfiguration): Promise<void> {
  const password = scanner.addSecret("the password of a database that is away", "hush-database-away");
  await using broker = startBroker({
    ...log,
    DATABASE__URL: `postgresql://me:${password}@127.0.0.1:${stablePort()}/brokkr`,
    DATA_DIR: `${folder}/away`,
  });
  await eventually("the broker says so", () => broker.output().includes("database is not ready"));
  for (const path of ["/readyz", "/api/v1/agents", "/metrics"]) await scanner.ask(`${broker.url}${path}`);
  assert.equal(await broker.stop(), 0);
  scanner.record("a broker without its database", broker.output());
}

/** An agent whose key's file is wrong, garbled, away and at last right. */
async function agentWithBadKey(
  scanner: SecretScanner,
  { log, folder, brokerUrl, sparePak }: Misconfiguration,
): Promise<void> {
  const file = `${folder}/agent.pak`;
  const kubeconfig = `${folder}/kubeconfig`;
  await Deno.writeTextFile(file, scanner.addKey("a wrong key in a file", newPak()));
  await Deno.writeTextFile(
    kubeconfig,
    kubeconfigWith(scanner.addSecret("the token of a cluster that is away", "hush-away")),
  );
  await using agent = startAgent({
    ...{ ...log, ...NAMES, AGENT__BROKER_URL: brokerUrl, AGENT__PAK_FILE: file, AGENT__KUBECONFIG_PATH: kubeconfig },
    ...{ AGENT__POLLING_INTERVAL: "1", AGENT__HEARTBEAT_INTERVAL: "1" },
  });
  const says = (words: RegExp) =>
    eventually(`the agent says ${words}`, async () => words.test((await scanner.ask(`${agent.url}/readyz`)).text));
  await says(/unauthorized/);
  await Deno.writeTextFile(file, `${newPak()}\n${scanner.addSecret("a line below a key", "hush-below-a-key")}`);
  await says(/no header can hold|Invalid header/);
  await Deno.remove(file);
  await says(/Cannot read agent.pak_file/);
  await Deno.writeTextFile(file, sparePak);
  await says(/broker: connected/);
  await scanner.ask(`${agent.url}/metrics`);
  assert.equal(await agent.stop(), 0);
  scanner.record("an agent with a bad key", agent.output());
}

function kubeconfigWith(token: string): string {
  return JSON.stringify({
    clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${stablePort()}` } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    "current-context": "c",
  });
}
