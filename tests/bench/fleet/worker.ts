/**
 * A part of the fleet in a process of its own. Takes lines: first who is in it ({@linkcode Part}), then `collect`,
 * which is answered with what was seen since the last one, as a line of JSON; the end of its input ends it.
 */
import { createInterface } from "node:readline";
import process from "node:process";
import { type Behaviour, LightAgent } from "./light_agent.ts";
import { noSamples } from "./samples.ts";

/** Who is in a part of the fleet, and how they behave. */
export interface Part extends Behaviour {
  readonly agents: readonly { readonly url: string; readonly id: string; readonly pak: string }[];
}

async function main(): Promise<void> {
  let samples = noSamples();
  const stop = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  let isFirst = true;
  for await (const line of createInterface({ input: process.stdin })) {
    if (isFirst) {
      running = start(JSON.parse(line), () => samples, stop.signal);
      isFirst = false;
    } else {
      const seen = samples;
      samples = noSamples();
      console.log(JSON.stringify(seen));
    }
  }
  stop.abort();
  await running;
}

/** Agents begin at times that are spread evenly, as those of a fleet that has run for long. */
function start({ agents, ...behaviour }: Part, samples: () => ReturnType<typeof noSamples>, signal: AbortSignal) {
  const nowMs = performance.now();
  return Promise.all(
    agents.map((agent, index) => {
      const firstMs = nowMs + behaviour.heartbeatEveryMs * index / agents.length;
      return new LightAgent({ ...agent, ...behaviour, samples }).run(firstMs, signal);
    }),
  );
}

await main();
