import { setTimeout } from "node:timers/promises";
import type { Line } from "../metrics/report.ts";
import { startServerOf } from "../metrics/servers.ts";
import { residentMiB } from "../process.ts";

const WARM_UP_MS = 10_000;
const OUTAGE_MS = 60_000;
const BYTES_PER_MIB = 1_048_576;
const MAX_MB = 10;

/** How far a process grows that begins 500 spans a second, none of which any receiver takes. */
export async function outageLines(): Promise<readonly Line[]> {
  await using server = await startServerOf(new URL("spanning.ts", import.meta.url), []);
  await setTimeout(WARM_UP_MS);
  const before = await residentMiB(server.pid);
  await setTimeout(OUTAGE_MS);
  const of = (await residentMiB(server.pid) - before) * BYTES_PER_MIB / 1e6;
  return [{
    ...{ what: "memory in a minute of 500 spans/s, no receiver", who: "ratio 1", figure: `${of.toFixed(1)} MB` },
    limit: { is: "≤", value: MAX_MB, of },
  }];
}
