import { type Outage, OUTAGES_FILE } from "../../docs/generate/outages/outages.ts";
import { keptRecording } from "./fixtures.ts";
import { playAll } from "./play.ts";
import { PLAYED } from "./scenarios/mod.ts";
import { minutesOf, timelineOf } from "./timeline.ts";

/** Plays every outage by the rules and by Alertmanager, and keeps what comes of it. */
export async function keepOutages(): Promise<void> {
  const outages: Omit<Outage, "sent">[] = [];
  for (const scenario of PLAYED) {
    const { name, play } = scenario;
    const { mended } = keptRecording(scenario);
    const firing = [...await timelineOf(scenario)];
    outages.push({ name, title: play.title, mended: minutesOf(scenario, mended), firing });
  }
  const sent = await playAll(new Map(outages.map(({ name, firing }) => [name, firing])));
  const whole = outages.map((one) => ({ ...one, sent: sent.get(one.name) }));
  await Deno.writeTextFile(OUTAGES_FILE, `${JSON.stringify(whole, undefined, 2)}\n`);
}
