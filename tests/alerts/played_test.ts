import assert from "node:assert/strict";
import { keptOutages, type Outage } from "../../docs/generate/outages/outages.ts";
import { alertRules } from "../promql/rule_files.ts";
import { testWith } from "../run/parts.ts";
import { keptRecording, metricsOf } from "./fixtures.ts";
import { playAll } from "./play.ts";
import { HEALTHY_DAY } from "./scenarios/days.ts";
import { PLAYED } from "./scenarios/mod.ts";
import { minutesOf, timelineOf } from "./timeline.ts";

/** What programs show only where they send by OTLP. */
const OF_SENDERS = ["brokkr_telemetry_exports_total"];

Deno.test("outages: every scenario that is played is kept, in the order of the page", () => {
  const kept = keptOutages().map(({ name, title, mended }) => ({ name, title, mended }));

  assert.deepEqual(
    kept,
    PLAYED.map((one) => ({
      ...{ name: one.name, title: one.play.title },
      mended: minutesOf(one, keptRecording(one).mended),
    })),
  );
});

Deno.test("outages: of each is sent what has to be and nothing else, one page at most, and all resolves", () => {
  for (const { name, firing, sent } of keptOutages()) {
    const play = PLAYED.find((one) => one.name === name)?.play;
    const names = (of: Outage["sent"]["pager"]) => [...new Set(of.flatMap(({ alerts }) => alerts))];

    assert.deepEqual({ pages: names(sent.pager), tickets: names(sent.tickets) }, {
      pages: play?.pages,
      tickets: play?.tickets,
    }, name);
    assert.ok(sent.pager.length <= 1, `${name} pages ${sent.pager.length} times`);
    assert.deepEqual(firing.filter(({ to }) => to === undefined), [], name);
  }
});

Deno.test("outages: where nothing is at fault, nothing fires, sent or not", () => {
  const harmless = PLAYED.filter(({ play }) => play.pages.length + play.tickets.length === 0);

  assert.ok(harmless.length >= 3);
  for (const { name } of harmless) assert.deepEqual(keptOutages().find((one) => one.name === name)?.firing, [], name);
});

for (const scenario of PLAYED) {
  testWith("prometheus", `outages: of "${scenario.play.title}", what fires and when is what is kept`, async () => {
    const kept = keptOutages().find(({ name }) => name === scenario.name);

    assert.deepEqual(await timelineOf(scenario), kept?.firing);
  });
}

testWith("alertmanager", "outages: what Alertmanager sends of each is what is kept", async () => {
  const kept = keptOutages();

  const sent = await playAll(new Map(kept.map(({ name, firing }) => [name, firing])));

  for (const { name, sent: wanted } of kept) assert.deepEqual({ name, ...sent.get(name) }, { name, ...wanted });
});

Deno.test("a healthy day: all that any rule looks at is in the recording", () => {
  const pages = [...keptRecording(HEALTHY_DAY).pages.values()];
  const shown = new Set(pages.flatMap((page) => [...page.keys()].map((series) => series.split("{")[0] ?? "")));

  assert.deepEqual([...metricsOf(HEALTHY_DAY)].filter((name) => !shown.has(name)), OF_SENDERS);
});

testWith(
  "prometheus",
  "a healthy day: changes, restarts, one more broker and an upgrade, and nothing fires",
  async () => {
    assert.ok(alertRules().length > 40);

    assert.deepEqual(await timelineOf(HEALTHY_DAY), []);
  },
);
