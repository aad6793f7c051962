import type { Declaration, Registry } from "$lib/metrics.ts";
import { startedBroker } from "../../fakes/brokers.ts";
import { migratedDataDir, open } from "../../fakes/databases.ts";
import { Recorder } from "../recorder.ts";
import type { Scenario } from "../scenario.ts";

/** Room for the requests of a start, and for few others. */
const MAX_SERIES = 4;

/**
 * A broker whose metrics have room for four label sets is asked for what it never was asked; nothing else fills one.
 */
export const PAGE_FULL: Scenario = {
  name: "page_full",
  alerts: ["BrokkrSeriesRejected"],
  async record(metrics) {
    await using dataDir = await migratedDataDir();
    const openDatabase = () => open({ url: undefined, dataDir: dataDir.path });
    await using broker = await startedBroker({ openDatabase, adapt: narrow });
    const get = async (path: string) => await (await broker.fetch(new Request(`http://broker${path}`))).text();
    const recorder = new Recorder(metrics);
    recorder.add("broker", () => get("/metrics"));
    await recorder.steps(5);
    recorder.breaks();
    for (const path of ["/healthz", "/readyz", "/api/v1/stacks", "/api/v1/agents", "/nowhere"]) await get(path);
    await recorder.steps(5);
    recorder.mends();
    await recorder.steps(20);
    return recorder.recording();
  },
};

/** The same registry, with little room for what has open label sets. */
function narrow(registry: Registry): Registry {
  return { ...registry, register: (declarations) => registry.register(narrowed(declarations)) };
}

function narrowed<D extends Readonly<Record<string, Declaration>>>(declarations: D): D {
  const entries = Object.entries(declarations).map(([key, declaration]) => {
    const isOpen = Object.values(declaration.labels).includes("text");
    return [key, isOpen ? { ...declaration, maxSeries: MAX_SERIES } : declaration];
  });
  return Object.fromEntries(entries) as D;
}
