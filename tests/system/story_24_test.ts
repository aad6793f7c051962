import assert from "node:assert/strict";
import { type SilentWebhook, startSilentWebhook } from "../fakes/silent_webhook.ts";
import { bundle, configMap } from "./bundles.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const NAMESPACE = "stuck";
/** As the API server waits at most: all of them one after the other, two at a time, take a quarter of an hour. */
const TIMEOUT_SECONDS = 30;
const OBJECTS = 60;

story("24: a stack whose webhook never answers starves no other", EVERYWHERE, async (parts) => {
  await using webhook = await startSilentWebhook();
  await using world = await openWorld({ parts, agentSettings: { AGENT__APPLY_CONCURRENCY: "4" } });
  await world.cluster.create("/api/v1/namespaces", { metadata: { name: NAMESPACE } });
  const [stuck, quick] = [await world.addStack("stuck"), await world.addStack("quick")];
  await silence(world, webhook);
  const names = Array.from({ length: OBJECTS }, (_, at) => `stuck-${at}`);
  const stuckObject = await world.submit(
    stuck,
    bundle(...names.map((name) => configMap(name, { namespace: NAMESPACE }))),
  );
  await eventually("the stack has in flight what one may have", () => isBusy(world, webhook));

  await world.untilApplied(await world.submit(quick, configMap("quick")));

  const events = await world.events(stuckObject.id);
  assert.ok(events.every(({ status }) => status !== "SUCCESS"));
});

/** Makes nothing come back for writes to the namespace. */
async function silence({ servers, cluster }: World, webhook: SilentWebhook): Promise<void> {
  if (servers.simulated === undefined) {
    const path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    return await cluster.create(path, webhook.configuration([NAMESPACE], TIMEOUT_SECONDS));
  }
  servers.simulated.fault({ method: "PATCH", path: /\/namespaces\/stuck\// }, { connection: "hang", times: Infinity });
}

/**
 * A request that hangs in a simulated cluster is not told of before it ends: there what is written before it must do.
 */
function isBusy({ servers: { simulated } }: World, webhook: SilentWebhook): boolean {
  if (simulated === undefined) return webhook.asked >= 2;
  return simulated.requests.some(({ verb, path }) => verb === "create" && path.endsWith("/configmaps"));
}
