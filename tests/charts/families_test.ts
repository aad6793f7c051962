import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { over } from "./leaves.ts";
import { render, the, type Values } from "./render.ts";
import { LEAST } from "./samples.ts";

/** What a Service is told, and where the program has to listen then, so that the Service's Pods answer by it. */
const FAMILIES: readonly (readonly [service: Values, address: string])[] = [
  [{}, "0.0.0.0"],
  [{ ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4"] }, "0.0.0.0"],
  [{ ipFamilies: ["IPv6"] }, "::"],
  [{ ipFamilyPolicy: "RequireDualStack" }, "::"],
  [{ ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv4", "IPv6"] }, "::"],
];
const LISTENS: Readonly<Record<ChartName, (address: string) => readonly [variable: string, value: string]>> = {
  "brokkr-broker": (address) => ["BROKKR__BROKER__LISTEN", `${address === "::" ? "[::]" : address}:3000`],
  "brokkr-agent": (address) => ["BROKKR__AGENT__HEALTH_ADDRESS", address],
};

for (const chart of Object.keys(CHARTS) as ChartName[]) {
  testWith("helm", `chart ${chart}: where its Services have addresses of IPv6, its program listens on it`, async () => {
    for (const [service, address] of FAMILIES) {
      const objects = await render(chart, over(LEAST[chart], { service, metrics: { port: 9100 } }));

      const [variable, value] = LISTENS[chart](address);
      const { env } = the(objects, "Deployment").spec.template.spec.containers[0];
      assert.deepEqual(env.filter(({ name }) => name === variable), [{ name: variable, value }]);
      const services = objects.filter(({ kind }) => kind === "Service");
      assert.ok(services.length >= 1);
      for (const { spec } of services) assert.partialDeepStrictEqual(spec, service);
    }
  });
}
