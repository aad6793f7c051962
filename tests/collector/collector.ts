import { onFreePorts, stablePort } from "../cluster/ports.ts";
import type { Child } from "../run/child.ts";
import { GuardedProcesses } from "../run/guarded_processes.ts";
import { GivenUp, waitFor } from "../run/wait.ts";
import { locateCollector, PROGRAM } from "./binaries.ts";
import { readLogs, readPoints, readSpans } from "./lines.ts";
import type { ReceivedLog, ReceivedPoint, ReceivedSpan } from "./received.ts";

export type * from "./received.ts";

/** An OpenTelemetry Collector on loopback, in a temporary folder of its own, and all that it has received. */
export interface Collector extends AsyncDisposable {
  /** What OTLP over HTTP is sent to, `/v1/metrics` and so on appended: no slash at its end. */
  readonly url: string;
  /** What OTLP over gRPC is sent to in plain text, such as `127.0.0.1:20001`. */
  readonly grpcAddress: string;
  /** Points in the order they came. What was answered a moment ago may not be among them yet: ask again. */
  points(): Promise<ReceivedPoint[]>;
  spans(): Promise<ReceivedSpan[]>;
  logs(): Promise<ReceivedLog[]>;
  /** Takes the program away; what it received stays. Resolves when it has written that down. */
  stopProgram(): Promise<void>;
  /** Brings it back on the same ports. Resolves when it receives again. */
  startProgram(): Promise<void>;
  /** Ends it and removes the folder. */
  stop(): Promise<void>;
}

/**
 * Starts a Collector; resolves when it receives.
 *
 * @throws When it is not on this machine or does not start, with the end of its log.
 */
export function startCollector(): Promise<Collector> {
  return onFreePorts(startOnce);
}

const FILES = { metrics: "metrics.jsonl", traces: "traces.jsonl", logs: "logs.jsonl" };
const CONFIG = "collector.yaml";

async function startOnce(): Promise<Collector> {
  const program = locateCollector();
  if (program === undefined) throw new Error("Cannot start a Collector: it is not on this machine");
  await using opening = new AsyncDisposableStack();
  const processes = opening.use(await GuardedProcesses.open(PROGRAM));
  const { folder } = processes;
  const [httpAddress, grpcAddress] = [`127.0.0.1:${stablePort()}`, `127.0.0.1:${stablePort()}`];
  const url = `http://${httpAddress}`;
  await Deno.writeTextFile(`${folder}/${CONFIG}`, configFor(httpAddress, grpcAddress));
  const start = async () => {
    const child = await processes.start({ name: PROGRAM, program, args: [`--config=${CONFIG}`] });
    await untilReceiving(child, url);
    return child;
  };
  let running = await start();
  const open = opening.move();
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  return {
    ...{ url, grpcAddress },
    points: async () => readPoints(await read(FILES.metrics)),
    spans: async () => readSpans(await read(FILES.traces)),
    logs: async () => readLogs(await read(FILES.logs)),
    stopProgram: () => running.stop(),
    startProgram: async () => {
      running = await start();
    },
    stop: () => open.disposeAsync(),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Each request becomes one line at once: nothing gathers what came in several. A restart goes on writing. */
function configFor(httpAddress: string, grpcAddress: string): string {
  const signals = Object.entries(FILES);
  const exporters = signals.map(([signal, path]) => [`file/${signal}`, { path, append: true, flush_interval: "20ms" }]);
  const pipelines = signals.map(([signal]) => [signal, { receivers: ["otlp"], exporters: [`file/${signal}`] }]);
  return JSON.stringify({
    receivers: { otlp: { protocols: { http: { endpoint: httpAddress }, grpc: { endpoint: grpcAddress } } } },
    exporters: Object.fromEntries(exporters),
    service: {
      telemetry: { metrics: { level: "none" }, logs: { level: "warn" } },
      pipelines: Object.fromEntries(pipelines),
    },
  });
}

/** An empty request is received and written nowhere. */
async function untilReceiving(child: Child, url: string): Promise<void> {
  await waitFor(async () => {
    if (child.hasEnded()) throw new GivenUp(`it has ended with ${await child.ended}`);
    const request = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const answer = await fetch(`${url}/v1/metrics`, request);
    await answer.body?.cancel();
    return answer.ok ? true : undefined;
  }, { what: "start the Collector", detail: () => child.logTail() });
}
