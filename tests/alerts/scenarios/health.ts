import { configMap } from "../../system/bundles.ts";
import { recordWorld, type Scenario } from "../scenario.ts";

/** Late and lost within seconds. */
const IMPATIENT = { AGENTS__LATE_AFTER_SECONDS: "3", AGENTS__LOST_AFTER_SECONDS: "6" };

/** Each second something is delivered that does not work, until all of it does. */
export const CLAIMS_PENDING: Scenario = {
  name: "claims_pending",
  alerts: ["BrokkrDeliveriesUnhealthy", "BrokkrDeliveriesLateFast", "BrokkrDeliveriesLateSlow"],
  silent: ["BrokkrDeliveriesFailing"],
  pace: 120,
  record: recordWorld({ parts: [], brokerSettings: { DELIVERIES__SLO_SECONDS: "1" } }, async (world, recorder) => {
    await recorder.steps(6);
    recorder.breaks();
    const names = Array.from({ length: 18 }, (_, at) => `claim-${at}`);
    for (const name of names) {
      await world.submit(await world.addStack(name), claim(name));
      await recorder.steps(1);
    }
    for (const name of names) {
      const path = `/api/v1/namespaces/default/persistentvolumeclaims/${name}/status`;
      await world.cluster.patch(path, { status: { phase: "Bound" } });
    }
    recorder.mends();
    await recorder.steps(26);
  }),
};

/** The only agent is killed, and started again; nothing is on its way. */
export const AGENT_SILENT: Scenario = {
  name: "agent_silent",
  alerts: ["BrokkrDeliveriesStale"],
  silent: ["BrokkrDeliveriesUnhealthy"],
  record: recordWorld({ parts: [], brokerSettings: IMPATIENT }, async (world, recorder) => {
    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
    await recorder.steps(5);
    await world.agent.kill();
    recorder.breaks();
    await recorder.steps(24);
    await world.startAgent();
    recorder.mends();
    await recorder.steps(24);
  }),
};

function claim(name: string): string {
  return `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: ${name}, namespace: default }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }`;
}
