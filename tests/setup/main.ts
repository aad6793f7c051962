import { cacheFolder } from "../cluster/binaries.ts";
import { setUpAlertmanager } from "./alertmanager.ts";
import { setUpControlPlane, setUpKwok } from "./build.ts";
import { setUpChromium } from "./chromium.ts";
import { setUpCollector } from "./collector.ts";
import type { Say } from "./commands.ts";
import { setUpDefinitions } from "./definitions.ts";
import { setUpHelm } from "./helm.ts";
import { setUpPatternChecker } from "./pattern_checker.ts";
import { setUpPgBouncer } from "./pgbouncer.ts";
import { setUpPostgres } from "./postgres.ts";
import { setUpPrometheus2, setUpPrometheus3 } from "./prometheus.ts";
import { setUpYamlOracle } from "./yaml_oracle.ts";
import { setUpZsh } from "./zsh.ts";

interface Step {
  readonly name: string;
  /** Finds the thing or brings it here; answers what and where it is. */
  readonly setUp: (say: Say) => Promise<string>;
}

const STEPS: readonly Step[] = [
  { name: "PostgreSQL", setUp: setUpPostgres },
  { name: "PgBouncer", setUp: setUpPgBouncer },
  { name: "Chromium", setUp: setUpChromium },
  { name: "control plane", setUp: setUpControlPlane },
  { name: "kwok", setUp: setUpKwok },
  { name: "Prometheus 2", setUp: setUpPrometheus2 },
  { name: "Prometheus 3", setUp: setUpPrometheus3 },
  { name: "Alertmanager", setUp: setUpAlertmanager },
  { name: "OpenTelemetry Collector", setUp: setUpCollector },
  { name: "Helm", setUp: setUpHelm },
  { name: "custom resource definitions", setUp: setUpDefinitions },
  { name: "YAML oracle", setUp: setUpYamlOracle },
  { name: "pattern checker", setUp: setUpPatternChecker },
  { name: "zsh", setUp: setUpZsh },
];

if (import.meta.main) Deno.exit(await setUp());

/** Brings what the tests want onto this machine; answers the exit code. A second set-up waits for the first. */
async function setUp(): Promise<number> {
  using _lock = await heldLock();
  const missing: string[] = [];
  for (const step of STEPS) if (!await isDone(step)) missing.push(step.name);
  if (missing.length === 0) {
    say("Everything that the tests want is here: deno task test");
    return 0;
  }
  say(`Missing: ${missing.join(", ")} (see above). Tests that need it are skipped by name.`);
  return 1;
}

async function isDone({ name, setUp }: Step): Promise<boolean> {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    say(`${name}: ${await setUp(say)} (${seconds()})`);
    return true;
  } catch (error) {
    say(`${name}: MISSING after ${seconds()}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** Held by the operating system, so that a killed set-up does not leave it behind. */
async function heldLock(): Promise<Disposable> {
  await Deno.mkdir(cacheFolder(), { recursive: true });
  const file = await Deno.open(`${cacheFolder()}/setup.lock`, { create: true, write: true });
  await file.lock(true);
  return file;
}

function say(line: string): void {
  console.log(line);
}
