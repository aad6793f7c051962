import { bundle } from "../../system/bundles.ts";
import { scrape, sumBy, sumOf } from "../../system/metrics_page.ts";
import { eventually } from "../../system/wait.ts";
import type { World } from "../../system/world.ts";

/** Many stacks of as many objects each. */
export interface FleetSize {
  readonly stacks: number;
  /** Of each stack: half of them ConfigMaps, half of them Secrets. */
  readonly objects: number;
  /** What each object holds, in characters. */
  readonly characters: number;
}

/** Characters of a value: an object holds as many as it takes. */
const VALUE = "x".repeat(50);
const FILL_SECONDS = 1_800;

/** Submits all stacks, and waits until the agent has applied and reported each. Returns how much YAML that was. */
export async function fill(world: World, { stacks, objects, characters }: FleetSize): Promise<number> {
  let length = 0;
  for (let stack = 0; stack < stacks; stack += 1) {
    const names = Array.from({ length: objects }, (_, at) => `s${stack}-${at}`);
    const documents = bundle(...names.map((name, at) => manifest(name, at % 2 === 0, characters)));
    await world.submit(await world.addStack(`stack-${stack}`), documents);
    length += documents.length;
  }
  await eventually("every stack is applied and reported", async () => {
    const page = await scrape(world.agent.url);
    return sumOf(page, "brokkr_agent_managed_objects") === stacks * objects &&
      sumOf(page, "brokkr_agent_reports_pending") === 0 &&
      (sumBy(page, "brokkr_agent_reconciliations_total", ["result"]).get("applied") ?? 0) >= stacks;
  }, { seconds: FILL_SECONDS, everyMs: 500 });
  return length;
}

function manifest(name: string, isConfigMap: boolean, characters: number): string {
  const keys = Array.from({ length: Math.ceil(characters / VALUE.length) }, (_, key) => `key-${key}`);
  const [kind, data] = isConfigMap ? ["ConfigMap", "data"] : ["Secret", "stringData"];
  return `apiVersion: v1
kind: ${kind}
metadata:
  name: ${name}
  namespace: default
${data}:
${keys.map((key) => `  ${key}: ${VALUE}\n`).join("")}`;
}
