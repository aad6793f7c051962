import assert from "node:assert/strict";
import { startCollector } from "../collector/collector.ts";
import { mustHaveAllSignals, submitSampled } from "../collector/all_signals.ts";
import { sectionsOf } from "../pages/sections.ts";
import { testWith } from "../run/parts.ts";
import { openWorld } from "./world.ts";

const PAGE = "docs/content/how-to/send-with-otlp.md";
const COLLECTOR = "To an OpenTelemetry Collector";
const ADDRESS = "http://collector.observability:4318";

testWith(
  "collector",
  "send-with-otlp.md: its block, pasted, brings metrics, traces and logs of both programs to a Collector",
  async () => {
    const { toml = "" } = (await sectionsOf(PAGE)).get(COLLECTOR) ?? {};
    assert.ok(toml.includes(ADDRESS));
    await using collector = await startCollector();
    const file = await Deno.makeTempFile({ suffix: ".toml" });
    await Deno.writeTextFile(file, toml.replace(ADDRESS, collector.url));
    const settings = { BROKKR_CONFIG_FILE: file };
    await using world = await openWorld({ parts: [], brokerSettings: settings, agentSettings: settings });

    const stackId = await world.addStack("web");
    await submitSampled({ url: world.broker.url, pak: world.generatorPak, stackId });

    await mustHaveAllSignals(collector);
    await Deno.remove(file);
  },
);
