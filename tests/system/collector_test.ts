import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { VERSION } from "$lib/program/version.ts";
import { allDeclarations } from "../../docs/generate/catalogue.ts";
import { type Attributes, type ReceivedPoint, startCollector } from "../collector/collector.ts";
import { seriesKey, totalsOf } from "../collector/totals.ts";
import { PROTOBUF } from "../../broker/http/telemetry_relay.ts";
import { exportOf, field, joined } from "../fakes/protobuf_writer.ts";
import { testWith } from "../run/parts.ts";
import { type Sending, untilAsOnPage } from "./arrived.ts";
import { configMap } from "./bundles.ts";
import { POD_UID, type Settings } from "./programs.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const TEMPORALITIES = ["cumulative", "delta"] as const;
const KINDS = { counter: "sum", gauge: "gauge", histogram: "histogram" } as const;
const SUBMISSIONS = seriesKey("brokkr_http_requests_total", {
  ...{ method: "POST", endpoint: "/api/v1/stacks/:id/deployment-objects", status: "201" },
});

for (const temporality of TEMPORALITIES) {
  testWith(
    "collector",
    `every series of both programs arrives at a Collector as it is on the page (${temporality})`,
    async () => {
      await using collector = await startCollector();
      const settings = pushTo(collector.url, temporality);
      await using world = await openWorld({ parts: [], brokerSettings: settings, agentSettings: settings });
      await deliver(world, 1);

      for (const sending of [of("broker", world.broker.url), of("agent", world.agent.url)]) {
        const points = await untilAsOnPage(sending);

        mustBeAsDeclared(points, temporality);
        mustFollowEachOther(points, temporality);
        const [{ resource } = assert.fail("nothing came")] = points;
        assert.partialDeepStrictEqual(resource, {
          ...{ "service.name": `brokkr-${sending.program}`, "service.namespace": "brokkr", "service.version": VERSION },
          ...{ "service.instance.id": POD_UID },
          ...(sending.program === "agent" && { "k8s.cluster.name": "cluster" }),
        });
      }

      function of(program: Sending["program"], url: string): Sending {
        return { program, url, collector };
      }
    },
  );
}

for (const temporality of TEMPORALITIES) {
  testWith(
    "collector",
    `an agent that reaches nothing but the broker sends through it all that is on its page, its traces and its log (${temporality})`,
    async () => {
      await using collector = await startCollector();
      const all = { OTLP__LOGS: "true", TRACING__ENABLED: "true", TRACING__SAMPLE_RATIO: "1" };
      const brokerSettings = { ...pushTo(collector.url, "cumulative"), ...all };
      const agentSettings = { ...pushTo("broker", temporality), ...all, OTLP__METRICS_INTERVAL_SECONDS: "6" };
      await using world = await openWorld({ parts: [], brokerSettings, agentSettings });
      await deliver(world, 1);

      const points = await untilAsOnPage({ program: "agent", url: world.agent.url, collector });
      const spans = await eventually("its turn has come", async () => {
        const found = (await collector.spans()).filter(isOfAgent);
        return found.some(({ name }) => name === "apply stack") && found;
      });
      const logs = await eventually("its log has come", async () => some((await collector.logs()).filter(isOfAgent)));

      mustBeAsDeclared(points, temporality);
      mustFollowEachOther(points, temporality);
      const ids = [points, spans, logs].map((
        all,
      ) => [...new Set(all.map(({ resource }) => resource["brokkr.agent.id"]))]);
      assert.deepEqual(ids, [[world.agentId], [world.agentId], [world.agentId]]);
      assert.ok(logs.some(({ body }) => body === "agent starting"), "what was said before the broker knew it is there");
      assert.doesNotMatch(await (await fetch(`${world.agent.url}/metrics`)).text(), new RegExp(world.agentId));
      assert.doesNotMatch(world.agent.output(), /can't be sent/);
    },
  );
}

testWith("collector", "counters begin anew after a kill, and say since when", async () => {
  await using collector = await startCollector();
  const brokerSettings = pushTo(collector.url, "cumulative");
  await using world = await openWorld({ parts: [], brokerSettings, startsAgent: false });
  const sending: Sending = { program: "broker", url: world.broker.url, collector };
  await submitTo(world, await world.addStack("web"), 3);
  const before = await untilAsOnPage(sending);

  await world.broker.kill();
  const sinceNanos = BigInt(Date.now()) * 1_000_000n;
  await world.startBroker();
  await submitTo(world, await world.addStack("app"), 1);
  const after = await untilAsOnPage({ ...sending, sinceNanos });

  assert.deepEqual([before, after].map((points) => totalsOf(points).get(SUBMISSIONS)?.value), [3, 1]);
  const early = after.filter(({ kind, startNanos }) => kind !== "gauge" && startNanos < sinceNanos);
  assert.deepEqual(early.map(({ name }) => name), []);
});

testWith("collector", "intervals add up to what the page says, though the Collector was away for some", async () => {
  await using collector = await startCollector();
  const brokerSettings = pushTo(collector.url, "delta");
  await using world = await openWorld({ parts: [], brokerSettings, startsAgent: false });
  const sending: Sending = { program: "broker", url: world.broker.url, collector };
  const stack = await world.addStack("web");
  await submitTo(world, stack, 2);
  await untilAsOnPage(sending);

  await collector.stopProgram();
  await submitTo(world, stack, 3);
  await eventually("it says that nothing can be sent", () => /telemetry can't be sent/.test(world.broker.output()));
  await collector.startProgram();
  await submitTo(world, stack, 1);
  const points = await untilAsOnPage(sending);

  assert.equal(totalsOf(points).get(SUBMISSIONS)?.value, 6);
  mustFollowEachOther(points, "delta");
  assert.match(world.broker.output(), /telemetry is sent again/);
});

testWith(
  "collector",
  "what an agent sends through the broker reaches the Collector, as its own and nobody else's",
  async () => {
    await using collector = await startCollector();
    const brokerSettings = pushTo(collector.url, "cumulative");
    await using world = await openWorld({ parts: [], brokerSettings, startsAgent: false });
    const level = field(2, field(2, joined(field(1, "shop_level"), field(5, field(1, new Uint8Array())))));
    const send = async (agentId: string) => {
      const body = new Uint8Array(gzipSync(exportOf({ "service.name": "edge", "brokkr.agent.id": agentId }, level)));
      const headers = { "content-encoding": "gzip", "content-type": PROTOBUF, authorization: world.agentPak };
      const path = `${world.broker.url}/api/v1/agents/${world.agentId}/otlp/v1/metrics`;
      const answer = await fetch(path, { method: "POST", headers, body });
      return `${answer.status} ${await answer.text()}`.slice(0, 40);
    };

    const answers: string[] = [];
    for (let sent = 0; sent < AT_ONCE; sent += 1) answers.push(await send(world.agentId));
    await eventually("it is refused", async () => {
      answers.push(await send(world.agentId));
      return answers.at(-1) === TOO_MANY;
    }, { everyMs: 0 }); // a turn is given back every five seconds: a slow machine sends some more before it is
    const taken = answers.filter((answer) => answer === TAKEN);
    const points = await eventually("it arrives", async () => {
      const found = (await collector.points()).filter(({ name }) => name === "shop_level");
      return found.length === taken.length && found;
    });

    assert.deepEqual([new Set(answers.slice(0, AT_ONCE)), new Set(answers)], [
      new Set([TAKEN]),
      new Set([TAKEN, TOO_MANY]),
    ]);
    for (const { resource } of points) {
      assert.deepEqual(resource, { "service.name": "edge", "brokkr.agent.id": world.agentId });
    }
  },
);

function isOfAgent({ resource }: { readonly resource: Attributes }): boolean {
  return resource["service.name"] === "brokkr-agent";
}

function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length > 0 ? items : undefined;
}

/** Requests of a signal that a broker passes on at once. */
const AT_ONCE = 6;
const TAKEN = "200 \n\0";
const TOO_MANY = '429 {"code":"too_many_requests","message';

/** A push each second: what a request may take is no longer. */
function pushTo(url: string, temporality: string): Settings {
  return { OTLP__ENDPOINT: url, OTLP__METRICS_INTERVAL_SECONDS: "1", OTLP__METRICS_TEMPORALITY: temporality };
}

async function deliver(world: World, value: number): Promise<void> {
  const stack = await world.addStack("web");
  await world.untilApplied(await world.submit(stack, configMap("page", { value: String(value) })));
}

async function submitTo(world: World, stack: string, times: number): Promise<void> {
  for (let at = 0; at < times; at++) await world.submit(stack, configMap("page", { value: `${Date.now()} ${at}` }));
}

/** Each point has what its metric is declared with. */
function mustBeAsDeclared(points: readonly ReceivedPoint[], temporality: string): void {
  const declared = new Map(allDeclarations().map((one) => [one.name, one]));
  for (const point of points) {
    const { name, description, unit, kind, scope, isMonotonic } = point;
    const { help, type } = declared.get(name) ?? assert.fail(`nobody has declared ${name}`);
    assert.deepEqual({ name, description, kind, scope, unit }, {
      ...{ name, description: help, kind: KINDS[type], scope: "brokkr" },
      unit: type === "histogram" ? "s" : "",
    });
    assert.equal(point.temporality, type === "gauge" ? undefined : temporality, name);
    assert.equal(isMonotonic, type === "counter" ? true : undefined, name);
  }
}

/** Of a series, cumulative points begin at one time, and each interval where the one before it ended. */
function mustFollowEachOther(points: readonly ReceivedPoint[], temporality: string): void {
  const series = Map.groupBy(
    points.filter(({ kind }) => kind !== "gauge"),
    ({ name, attributes }) => seriesKey(name, attributes),
  );
  for (const [key, all] of series) {
    all.forEach(({ startNanos, timeNanos }, at) => {
      const former = all[at - 1];
      assert.ok(0n < startNanos && startNanos <= timeNanos, `${key} begins after it ends`);
      if (former === undefined) return;
      const expected = temporality === "delta" ? former.timeNanos : former.startNanos;
      assert.equal(startNanos, expected, `${key}, point ${at} of ${all.length}`);
    });
  }
}
