import { onFreePorts, stablePort } from "../cluster/ports.ts";
import type { Child } from "../run/child.ts";
import { GuardedProcesses } from "../run/guarded_processes.ts";
import { GivenUp, waitFor } from "../run/wait.ts";
import type { Alert, Exemplar, Labels, Metadata, RuleGroup, Sample, SampleRange, Target } from "./answers.ts";
import { PrometheusApi, type QueryRange } from "./api.ts";
import { getPrometheus, type PrometheusMajor } from "./binaries.ts";

export type * from "./answers.ts";
export type { QueryRange } from "./api.ts";
export { getPrometheus, locatePrometheus } from "./binaries.ts";
export type { PrometheusMajor } from "./binaries.ts";

const NAME = "prometheus";
const CONFIG = "prometheus.yml";

/** What to run. */
export interface PrometheusOptions extends PrometheusInput {
  readonly version: PrometheusMajor;
  /** `warn` leaves what went wrong; `debug` adds every failed scrape. `info` when left out. */
  readonly logLevel?: "debug" | "info" | "warn";
  /** Whether it takes OTLP as well, {@linkcode Prometheus.otlpUrl}: of version 3 alone. */
  readonly receivesOtlp?: boolean;
  /** More flags, such as `--enable-feature=…`. */
  readonly flags?: readonly string[];
}

/** What Prometheus reads at its start and at a reload. */
export interface PrometheusInput {
  /** The whole configuration, as YAML. */
  readonly config: string;
  /** Files beside the configuration, by name: it can name them without a folder (`rule_files: [alerts.yaml]`). */
  readonly files?: Readonly<Record<string, string>>;
}

/** A Prometheus on loopback, in a temporary folder of its own. What it refuses it throws, with its own words. */
export interface Prometheus extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  /** What OTLP over HTTP is sent to, `/v1/metrics` appended: metrics of both temporalities. */
  readonly otlpUrl: string;
  /** What an expression answers, now or at a time: a vector's samples, or the one of a scalar. */
  query(expression: string, atSeconds?: number): Promise<Sample[]>;
  /** What an expression answers at every step of a range of time. */
  queryRange(expression: string, range: QueryRange): Promise<SampleRange[]>;
  /** Alerts that are pending or firing. */
  alerts(): Promise<Alert[]>;
  /** Pages that are scraped. */
  targets(): Promise<Target[]>;
  /** Rules, in the order of their files. */
  rules(): Promise<RuleGroup[]>;
  /** Labels of every series that a selector finds, whatever its age. */
  series(selector: string): Promise<Labels[]>;
  /** Exemplars of the last hour, by series; needs the flag `--enable-feature=exemplar-storage`. */
  exemplars(selector: string): Promise<Exemplar[]>;
  /** What the scraped pages say of their families, by name. */
  metadata(): Promise<Readonly<Record<string, readonly Metadata[]>>>;
  /** Everything it has logged. */
  logText(): Promise<string>;
  /** Reads its input again, after writing what is given; the rest stays as it is. */
  reload(input?: Partial<PrometheusInput>): Promise<void>;
  /** Ends it in order (SIGTERM) and removes the folder. */
  stop(): Promise<void>;
}

/**
 * Starts a Prometheus; resolves when it is ready. Its first scrapes come 5 s and up to one
 * scrape interval later: Prometheus gathers targets every 5 s, and nothing changes that.
 *
 * @throws When it is not on this machine, refuses its configuration or is not ready in 30 s, with the end of its log.
 */
export function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  return onFreePorts(() => startOnce(options));
}

async function startOnce(options: PrometheusOptions): Promise<Prometheus> {
  const { prometheus: program } = getPrometheus(options.version);
  const processes = await GuardedProcesses.open(NAME);
  try {
    await writeInput(processes.folder, options);
    const address = `127.0.0.1:${stablePort()}`;
    const api = new PrometheusApi(`http://${address}`);
    await untilReady(await processes.start({ name: NAME, program, args: flagsFor(address, options) }), api);
    return prometheusIn(processes, api);
  } catch (error) {
    await processes.close();
    throw error;
  }
}

async function writeInput(folder: string, { config, files = {} }: Partial<PrometheusInput>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
  if (config !== undefined) await Deno.writeTextFile(`${folder}/${CONFIG}`, config);
}

const RECEIVES_OTLP = ["--web.enable-otlp-receiver", "--enable-feature=otlp-deltatocumulative"];

function flagsFor(
  address: string,
  { logLevel = "info", receivesOtlp = false, flags = [] }: PrometheusOptions,
): string[] {
  return [
    `--config.file=${CONFIG}`,
    "--storage.tsdb.path=tsdb",
    `--web.listen-address=${address}`,
    "--web.enable-lifecycle",
    `--log.level=${logLevel}`,
    ...(receivesOtlp ? RECEIVES_OTLP : []),
    ...flags,
  ];
}

async function untilReady(child: Child, api: PrometheusApi): Promise<void> {
  await waitFor(async () => {
    if (child.hasEnded()) throw new GivenUp(`it has ended with ${await child.ended}`);
    return await api.isReady() ? true : undefined;
  }, { what: "start Prometheus", detail: () => child.logTail() });
}

function prometheusIn(processes: GuardedProcesses, api: PrometheusApi): Prometheus {
  const { folder } = processes;
  return {
    url: api.url,
    otlpUrl: `${api.url}/api/v1/otlp`,
    query: (expression, atSeconds) => api.query(expression, atSeconds),
    queryRange: (expression, range) => api.queryRange(expression, range),
    alerts: () => api.alerts(),
    targets: () => api.targets(),
    rules: () => api.rules(),
    series: (selector) => api.series(selector),
    exemplars: (selector) => api.exemplars(selector),
    metadata: () => api.metadata(),
    logText: () => Deno.readTextFile(`${folder}/${NAME}.log`),
    reload: async (input = {}) => {
      await writeInput(folder, input);
      await api.reload();
    },
    stop: () => processes.close(),
    [Symbol.asyncDispose]: () => processes.close(),
  };
}
