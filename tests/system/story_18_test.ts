import assert from "node:assert/strict";
import { driveAgent } from "./catalogue_agent.ts";
import { BROKER_SETTINGS, driveBroker } from "./catalogue_broker.ts";
import { driveHealth } from "./catalogue_health.ts";
import { driveDeliveries } from "./catalogue_deliveries.ts";
import type { ProgramName } from "../compile/task.ts";
import { declaredSeries, isOf, seriesText } from "./declared_series.ts";
import { Movement } from "./movement.ts";
import { story } from "./story.ts";
import { openWorld } from "./world.ts";

const OWN_PAGE = "every replica refreshes its own page: none leaves that to another";
const SHARED = "replicas share the lines of work: none is left out";
const LARGER = "bundles of this story are small: broker/parsing/bundle_parser_test.ts has some that wait";
const READ =
  "clients of this story read what they are answered: broker/http/long_answers_test.ts has one that does not";
const NOWHERE =
  "the broker of this story sends no telemetry: broker/http/telemetry_relay_test.ts has agents that send too much";
const ROOM = "no client fills a page: tests/alerts/scenarios/series.ts fills one with less room";

/**
 * Declared series that this story does not move, each with the reason; one that moves after all must leave the list.
 */
const UNMOVED: Readonly<Record<ProgramName, Readonly<Record<string, string>>>> = {
  broker: {
    'brokkr_http_bounded_total{bound="parser"}': LARGER,
    'brokkr_http_bounded_total{bound="slow_reader"}': READ,
    'brokkr_http_bounded_total{bound="telemetry"}': NOWHERE,
    'brokkr_job_runs_total{task="refresh_gauges",result="skipped"}': OWN_PAGE,
    'brokkr_job_runs_total{task="settle",result="skipped"}': SHARED,
    "brokkr_metrics_series_rejected_total": ROOM,
  },
  agent: {
    "brokkr_metrics_series_rejected_total": ROOM,
  },
};

story("18: every catalogued series moves by what happened", [["postgres"]], async (parts) => {
  await using world = await openWorld({
    parts,
    startsAgent: false,
    brokerSettings: BROKER_SETTINGS,
    agentSettings: { AGENT__RESYNC_INTERVAL: "2" },
  });
  const brokers = [...await driveBroker(world)];
  const broker = new Movement(() => world.broker.url);
  const agent = await driveAgent(world, broker);
  await driveHealth(world, { agent, broker });
  brokers.push(broker, await driveDeliveries(world));

  assert.deepEqual(unmoved("broker", brokers), Object.keys(UNMOVED.broker));
  assert.deepEqual(unmoved("agent", [agent]), Object.keys(UNMOVED.agent));
});

function unmoved(program: ProgramName, movements: readonly Movement[]): readonly string[] {
  const moved = movements.flatMap((movement) => [...movement.moved]);
  const still = declaredSeries(program).filter((declared) => !moved.some((series) => isOf(series, declared)));
  return still.map(seriesText);
}
