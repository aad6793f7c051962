import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { alertRules, readFile } from "../promql/rule_files.ts";

const CONFIG = "charts/brokkr-broker/alertmanager.yaml";
const Config = z.object({
  inhibit_rules: z.array(z.object({ source_matchers: z.array(z.string()), target_matchers: z.array(z.string()) })),
});

Deno.test("alertmanager.yaml: every alternative of an inhibition is an alert of ours, and none is source and target at once", () => {
  const names = alertRules().map(({ alert }) => alert);
  const found = (pattern: string) => names.filter((name) => new RegExp(`^(?:${pattern})$`).test(name));

  for (const { source_matchers, target_matchers } of Config.parse(parse(readFile(CONFIG))).inhibit_rules) {
    const [sources, targets] = [source_matchers, target_matchers].map((matchers) => matchers.flatMap(alternatives));
    assert.deepEqual([...sources ?? [], ...targets ?? []].filter((one) => found(one).length === 0), []);
    const both = found((sources ?? []).join("|")).filter((name) => found((targets ?? []).join("|")).includes(name));
    assert.deepEqual(both, []);
  }
});

function alternatives(matcher: string): readonly string[] {
  return /^alertname=~?"(.*)"$/.exec(matcher)?.[1]?.split("|") ?? [`not a matcher of names: ${matcher}`];
}
