import { locateAlertmanager } from "../alertmanager/binaries.ts";
import { locateChromium } from "../browser/binaries.ts";
import { locateDefinitions } from "../charts/crds/definitions.ts";
import { locateControlPlane } from "../cluster/binaries.ts";
import { locateCollector } from "../collector/binaries.ts";
import { locateHelm } from "../helm/helm.ts";
import { locatePatternChecker } from "../pattern_checker/checker.ts";
import { locatePgBouncer } from "../pgbouncer/binaries.ts";
import { locatePostgres } from "../postgres/binaries.ts";
import { locatePrometheus } from "../prometheus/binaries.ts";
import { locateYamlOracle } from "../yaml_oracle/binaries.ts";
import { locateZsh } from "../zsh/binaries.ts";

/**
 * What a test may need beside Deno: `postgres`, a PostgreSQL server; `pgbouncer`, a pooler before it; `chromium`, a
 * browser; `control plane`, a real etcd and API server; `nodes`, a control plane whose Pods run and whose namespaces
 * end; `prometheus`, both lines of it, with their checkers; `alertmanager`, what sends their alerts; `collector`, the
 * OpenTelemetry Collector; `helm`, what renders charts; `definitions`, those of the custom resources that charts
 * render; `yaml oracle`, what says how Kubernetes reads a text; `pattern checker`, what tells the cost of a regular
 * expression; `zsh`, the shell.
 */
export type Part =
  | "postgres"
  | "pgbouncer"
  | "chromium"
  | "control plane"
  | "nodes"
  | "prometheus"
  | "alertmanager"
  | "collector"
  | "helm"
  | "definitions"
  | "yaml oracle"
  | "pattern checker"
  | "zsh";

/** Every part, with the words for it in messages. */
export const PARTS: Readonly<Record<Part, string>> = {
  "postgres": "a PostgreSQL server of version 15 or later",
  "pgbouncer": "PgBouncer",
  "chromium": "Chromium",
  "control plane": "a Kubernetes control plane",
  "nodes": "a Kubernetes control plane with controllers, scheduler and kwok",
  "prometheus": "Prometheus 2 and 3",
  "alertmanager": "Alertmanager",
  "collector": "the OpenTelemetry Collector",
  "helm": "Helm 4",
  "definitions": "the custom resource definitions of the Prometheus Operator and the Gateway API",
  "yaml oracle": "the program that reads YAML with Kubernetes' own library",
  "pattern checker": "recheck, which tells what matching a regular expression costs",
  "zsh": "zsh",
};

/** What adds a missing part. */
export const ADDED_BY = "deno task setup";
/** Set by the runner: tests that need a part are left out, even where the part is there. */
export const QUICK_VARIABLE = "BROKKR_TEST_QUICK";
/** Set by the runner: the file to which each test of {@linkcode testWith} adds a line, see {@linkcode Note}. */
export const NOTES_VARIABLE = "BROKKR_TEST_NOTES";

/** A line, as JSON, about a test. */
export interface Note {
  readonly name: string;
  /** The file that has it, such as `./tests/system/story_01_test.ts`: `deno test` reports the one that registers it. */
  readonly file: string;
  /** What to do for it to run; none where it runs. */
  readonly remedy?: string;
}

const ROOT = new URL("../../", import.meta.url).href;

/** Options of {@linkcode testWith}. */
export type TestOptions = Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources" | "sanitizeExit" | "only">;

/** Whether the part is on this machine; looks at files only. */
export function isAvailable(part: Part): boolean {
  if (part === "postgres") return locatePostgres() !== undefined;
  if (part === "pgbouncer") return locatePgBouncer() !== undefined;
  if (part === "chromium") return locateChromium() !== undefined;
  if (part === "prometheus") return ([2, 3] as const).every((major) => locatePrometheus(major) !== undefined);
  if (part === "alertmanager") return locateAlertmanager() !== undefined;
  if (part === "collector") return locateCollector() !== undefined;
  if (part === "helm") return locateHelm() !== undefined;
  if (part === "definitions") return locateDefinitions() !== undefined;
  if (part === "yaml oracle") return locateYamlOracle() !== undefined;
  if (part === "zsh") return locateZsh() !== undefined;
  if (part === "pattern checker") return locatePatternChecker() !== undefined;
  const found = locateControlPlane();
  return part === "nodes" ? found?.controllers !== undefined : found !== undefined;
}

/** The parts that are not on this machine. */
export function missingParts(parts: readonly Part[] = Object.keys(PARTS) as Part[]): Part[] {
  return parts.filter((part) => !isAvailable(part));
}

/**
 * Registers a test that needs parts of the machine. Where one is missing it is skipped by name, and in CI (`CI=true`)
 * it fails instead; with `--quick` it is skipped everywhere.
 */
export function testWith(
  needed: Part | readonly Part[],
  name: string,
  fn: (test: Deno.TestContext) => void | Promise<void>,
  options: TestOptions = {},
): void {
  const parts = typeof needed === "string" ? [needed] : needed;
  const remedy = remedyFor(parts);
  note({ name, file: Deno.mainModule.replace(ROOT, "./"), ...(remedy === undefined ? {} : { remedy }) });
  const isLacking = remedy === undefined && missingParts(parts).length > 0;
  Deno.test({ ...options, name, ignore: remedy !== undefined, fn: isLacking ? () => failFor(parts) : fn });
}

/** Registers a test that needs no part but takes long: `--quick` leaves it out. */
export function longTest(
  name: string,
  fn: (test: Deno.TestContext) => void | Promise<void>,
  options: TestOptions = {},
): void {
  testWith([], name, fn, options);
}

/** Why a test is skipped, as what would make it run; `undefined` when it runs (or has to fail). */
function remedyFor(parts: readonly Part[]): string | undefined {
  if (Deno.env.get(QUICK_VARIABLE) === "1") {
    return "deno task test runs it; --quick leaves out what needs a server or takes long";
  }
  const missing = missingParts(parts);
  if (missing.length === 0 || isCi()) return undefined;
  return `${ADDED_BY} adds ${missing.map((part) => PARTS[part]).join(" and ")}`;
}

/** Whether this is a CI job, where a missing part is a failure. */
export function isCi(): boolean {
  return Deno.env.get("CI") === "true";
}

function failFor(parts: readonly Part[]): never {
  const missing = missingParts(parts).map((part) => PARTS[part]).join(" and ");
  throw new Error(`Cannot run this test: ${missing} is not on this machine; ${ADDED_BY} adds it`);
}

function note(test: Note): void {
  const path = Deno.env.get(NOTES_VARIABLE);
  if (path !== undefined) Deno.writeTextFileSync(path, `${JSON.stringify(test)}\n`, { append: true });
}
