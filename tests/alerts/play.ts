import { z } from "zod";
import type { Outage } from "../../docs/generate/outages/outages.ts";
import { type Alertmanager, type Labels, startAlertmanager } from "../alertmanager/alertmanager.ts";
import { readFile } from "../promql/rule_files.ts";
import { eventually } from "../system/wait.ts";
import type { Firing } from "./timeline.ts";

/** The configuration that is shipped. */
const CONFIG = "charts/brokkr-broker/alertmanager.yaml";
/** The receivers of {@linkcode CONFIG}. */
const RECEIVERS = ["pager", "tickets"] as const;

type Receiver = (typeof RECEIVERS)[number];
type Sent = Outage["sent"];

const Webhook = z.object({
  receiver: z.enum(RECEIVERS),
  alerts: z.array(z.object({ status: z.enum(["firing", "resolved"]), labels: z.record(z.string(), z.string()) })),
});
type Webhook = z.infer<typeof Webhook>;

/** What is heard of one installation, and in which order. */
interface Heard {
  readonly said: Set<string>;
  readonly notifications: Map<Receiver, string[][]>;
}

/**
 * Lets an Alertmanager with the shipped configuration hear what fires, change by change, of several installations at
 * once; each change comes when all is sent that follows from the one before. So it is the most that is sent: where
 * changes come within `group_interval`, Alertmanager takes them together.
 *
 * @throws When it does not come to rest.
 */
export async function playAll(played: ReadonlyMap<string, readonly Firing[]>): Promise<ReadonlyMap<string, Sent>> {
  const heard = new Map([...played.keys()].map((name) => [name, newHeard()]));
  const address = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using receiver = Deno.serve(address, async (request) => {
    takeDown(heard, Webhook.parse(await request.json()));
    return new Response();
  });
  await using alertmanager = await startAlertmanager(hurried(withWebhook(readFile(CONFIG), receiver.addr.port)));
  const sent = [...played].map(async ([name, firing]) => [name, await play(alertmanager, name, firing)] as const);
  return new Map(await Promise.all(sent));

  async function play(alertmanager: Alertmanager, name: string, firing: readonly Firing[]): Promise<Sent> {
    const one = heard.get(name) ?? newHeard();
    const sent: Record<Receiver, Sent["pager"]> = { pager: [], tickets: [] };
    let before: readonly Labels[] = [];
    for (const { at, now } of changes(firing, name)) {
      await alertmanager.post(now, before.filter((labels) => !now.includes(labels)));
      await eventually(
        `what is new of "${name}" is sent`,
        () => isSettled(alertmanager, { name, now, said: one.said }),
      );
      for (const to of RECEIVERS) {
        const alerts = (one.notifications.get(to) ?? []).sort(byText);
        sent[to].push(...alerts.map((alerts) => ({ at, alerts })));
      }
      one.notifications.clear();
      before = now;
    }
    return sent;
  }
}

/** The configuration with receivers that can be heard. */
function withWebhook(config: string, port: number): string {
  const webhook = `webhook_configs: [{ url: "http://127.0.0.1:${port}/" }]`;
  return config.replaceAll(/- name: (\w+)$/gm, `- name: $1\n    ${webhook}`);
}

/** The same, which sends within seconds. */
function hurried(config: string): string {
  return `global: { resolve_timeout: 1d }\n${config.replaceAll(/group_(wait|interval): \w+/g, "group_$1: 2s")}`;
}

function newHeard(): Heard {
  return { said: new Set(), notifications: new Map() };
}

/** Takes down what is new in a notification. */
function takeDown(heard: ReadonlyMap<string, Heard>, { receiver, alerts }: Webhook): void {
  for (const [name, { said, notifications }] of heard) {
    const own = alerts.filter(({ labels }) => labels.brokkr === name);
    const isNew = own.filter(({ status, labels }) => status === "firing" && !said.has(keyOf(labels)));
    for (const { status, labels } of own) status === "firing" ? said.add(keyOf(labels)) : said.delete(keyOf(labels));
    if (isNew.length === 0) continue;
    const names = [...new Set(isNew.map(({ labels }) => labels.alertname ?? ""))].sort();
    notifications.set(receiver, [...notifications.get(receiver) ?? [], names]);
  }
}

/** Each moment at which it changes what fires, with all that does, as the installation's own. */
function changes(firing: readonly Firing[], brokkr: string): readonly Change[] {
  const alerts = firing.map(({ labels, ...when }) => ({ ...when, labels: { ...labels, brokkr } }));
  const times = new Set(alerts.flatMap(({ from, to }) => to === undefined ? [from] : [from, to]));
  return [...times].sort((a, b) => a - b).map((at) => ({
    at,
    now: alerts.filter(({ from, to = Infinity }) => from <= at && at < to).map(({ labels }) => labels),
  }));
}

interface Change {
  readonly at: number;
  readonly now: readonly Labels[];
}

interface Awaited {
  readonly name: string;
  readonly now: readonly Labels[];
  readonly said: ReadonlySet<string>;
}

/**
 * Whether Alertmanager knows what fires now, and has sent each that nothing hides. For a while it says of an alert that
 * it is hidden by one that is over.
 */
async function isSettled(alertmanager: Alertmanager, { name, now, said }: Awaited): Promise<boolean> {
  const groups = await alertmanager.groups();
  const known = groups.flatMap(({ alerts }) => alerts).filter(({ labels }) => labels.brokkr === name);
  const byKey = new Map(known.map((alert) => [keyOf(alert.labels), alert]));
  const fingerprints = new Set([...byKey.values()].map(({ fingerprint }) => fingerprint));
  return byKey.size === now.length && now.every((labels) => {
    const { state, inhibitedBy = [] } = byKey.get(keyOf(labels))?.status ?? {};
    return inhibitedBy.some((one) => fingerprints.has(one)) || (state === "active" && said.has(keyOf(labels)));
  });
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1));
}

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join() < b.join() ? -1 : 1;
}
