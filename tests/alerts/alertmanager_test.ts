import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { type Alertmanager, type Labels, startAlertmanager } from "../alertmanager/alertmanager.ts";
import { alertRules, readFile } from "../promql/rule_files.ts";
import { testWith } from "../run/parts.ts";
import { eventually } from "../system/wait.ts";
import { OUTAGES } from "./outages.ts";

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

testWith(
  "alertmanager",
  "alertmanager.yaml: each outage pages for one thing at most, and whatever follows from it is not sent",
  async () => {
    await using alertmanager = await startAlertmanager(readFile(CONFIG));
    await alertmanager.post(OUTAGES.flatMap(({ name, firing }) => firing.map((one) => labelled(one, name))));

    const sent = await eventually("all alerts are sorted into groups", () => sentOf(alertmanager));

    for (const { name, pages, tickets } of OUTAGES) {
      assert.deepEqual({ name, ...sent.get(name) }, { name, pager: pages, tickets });
    }
  },
);

testWith(
  "alertmanager",
  "alertmanager.yaml: a database that is away sends one notification, which names the database",
  async () => {
    const bodies: string[] = [];
    const address = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    await using receiver = Deno.serve(address, async (request) => {
      bodies.push(await request.text());
      return new Response();
    });
    await using alertmanager = await startAlertmanager(withWebhook(readFile(CONFIG), receiver.addr.port));
    const outage = OUTAGES.find(({ name }) => name === "PostgreSQL is stopped");

    await alertmanager.post((outage?.firing ?? []).map((one) => labelled(one, "")));
    await eventually("a notification has come", () => bodies.length > 0);

    const Notification = z.object({
      receiver: z.string(),
      alerts: z.array(z.object({ labels: z.object({ alertname: z.string() }) })),
    });
    const [first] = bodies.map((body) => Notification.parse(JSON.parse(body)));
    assert.deepEqual([first?.receiver, first?.alerts.map(({ labels }) => labels.alertname)], [
      "pager",
      ["BrokkrDatabaseErrors"],
    ]);
  },
);

/** As its rule labels it, and as an installation of its own, so that outages do not hide each other. */
function labelled(labels: Labels, brokkr: string): Labels {
  const rule = alertRules().find(({ alert }) => alert === labels.alertname);
  if (rule === undefined) throw new Error(`Cannot let ${labels.alertname} fire: it is no rule`);
  return { ...labels, ...rule.labels, ...(brokkr === "" ? {} : { brokkr }) };
}

interface Sent {
  readonly pager: string[];
  readonly tickets: string[];
}

/** By installation, the names of the alerts that each receiver gets; undefined while not all are there. */
async function sentOf(alertmanager: Alertmanager): Promise<ReadonlyMap<string, Sent> | undefined> {
  const sent = new Map(OUTAGES.map(({ name }) => [name, { pager: [] as string[], tickets: [] as string[] }]));
  let count = 0;
  for (const { receiver, alerts } of await alertmanager.groups()) {
    for (const { labels, status } of alerts) {
      if (status.state === "unprocessed") return undefined;
      count += 1;
      const { brokkr = "", alertname = "" } = labels;
      if (status.state === "active") sent.get(brokkr)?.[receiver.name as keyof Sent].push(alertname);
    }
  }
  if (count < OUTAGES.flatMap(({ firing }) => firing).length) return undefined;
  for (const { pager, tickets } of sent.values()) [pager, tickets].map((names) => names.sort());
  return sent;
}

/** The same, with a receiver that can be heard, at once. */
function withWebhook(config: string, port: number): string {
  const webhook = `webhook_configs: [{ url: "http://127.0.0.1:${port}/" }]`;
  return config
    .replaceAll(/- name: (\w+)$/gm, `- name: $1\n    ${webhook}`)
    .replace("group_wait: 30s", "group_wait: 100ms");
}
