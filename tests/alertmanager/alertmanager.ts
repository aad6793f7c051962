import { z } from "zod";
import { onFreePorts, stablePort } from "../cluster/ports.ts";
import type { Child } from "../run/child.ts";
import { GuardedProcesses } from "../run/guarded_processes.ts";
import { GivenUp, waitFor } from "../run/wait.ts";
import { locateAlertmanager, PROGRAM } from "./binaries.ts";

/** An alert as Prometheus would send it, by its labels. */
export type Labels = Readonly<Record<string, string>>;

/** Alerts that are sent together, or would be. */
const Group = z.object({
  receiver: z.object({ name: z.string() }),
  alerts: z.array(z.object({
    fingerprint: z.string(),
    labels: z.record(z.string(), z.string()),
    status: z.object({
      state: z.enum(["active", "suppressed", "unprocessed"]),
      /** Fingerprints of those because of which it is not sent. */
      inhibitedBy: z.array(z.string()),
    }),
  })),
});
/** The type of the shape of the same name. */
export type Group = z.infer<typeof Group>;

/** An Alertmanager on loopback, in a temporary folder of its own. */
export interface Alertmanager extends AsyncDisposable {
  /** Tells it that these alerts fire now, and that those that did before and are `over` do not any more. */
  post(alerts: readonly Labels[], over?: readonly Labels[]): Promise<void>;
  /** All alerts as it groups them for its receivers. */
  groups(): Promise<readonly Group[]>;
}

const CONFIG = "alertmanager.yaml";

/**
 * Starts an Alertmanager with a configuration; resolves when it answers.
 *
 * @throws When it is not on this machine, or does not take the configuration, with the end of its log.
 */
export function startAlertmanager(config: string): Promise<Alertmanager> {
  return onFreePorts(() => startOnce(config));
}

async function startOnce(config: string): Promise<Alertmanager> {
  const program = locateAlertmanager();
  if (program === undefined) throw new Error("Cannot start Alertmanager: it is not on this machine");
  await using opening = new AsyncDisposableStack();
  const processes = opening.use(await GuardedProcesses.open(PROGRAM));
  const address = `127.0.0.1:${stablePort()}`;
  const url = `http://${address}/api/v2`;
  await Deno.writeTextFile(`${processes.folder}/${CONFIG}`, config);
  const args = [
    `--config.file=${CONFIG}`,
    "--storage.path=kept",
    `--web.listen-address=${address}`,
    "--cluster.listen-address=",
  ];
  await untilAnswering(await processes.start({ name: PROGRAM, program, args }), url);
  const open = opening.move();
  return {
    async post(alerts, over = []) {
      const endsAt = new Date().toISOString();
      const body = JSON.stringify([
        ...alerts.map((labels) => ({ labels })),
        ...over.map((labels) => ({ labels, endsAt })),
      ]);
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${url}/alerts`, { method: "POST", headers, body });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`Cannot post alerts: status is ${answer.status}, ${text}`);
    },
    async groups() {
      return z.array(Group).parse(await (await fetch(`${url}/alerts/groups`)).json());
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function untilAnswering(child: Child, url: string): Promise<void> {
  await waitFor(async () => {
    if (child.hasEnded()) throw new GivenUp(`it has ended with ${await child.ended}`);
    const answer = await fetch(`${url}/status`);
    await answer.body?.cancel();
    return answer.ok || undefined;
  }, { what: "start Alertmanager", detail: () => child.logTail() });
}
