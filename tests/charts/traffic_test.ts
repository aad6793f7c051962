import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { render, the, type Values } from "./render.ts";

testWith(
  "helm",
  "chart brokkr-broker: an ending Pod goes on answering while Services forget it, then has all its time",
  async () => {
    const pod = async (values: Values) => the(await render("brokkr-broker", values), "Deployment").spec.template.spec;

    const [asShipped, never] = [await pod({}), await pod({ preStopSleepSeconds: 0 })];

    assert.deepEqual(asShipped.containers[0].lifecycle, { preStop: { sleep: { seconds: 5 } } });
    assert.equal(asShipped.terminationGracePeriodSeconds, 35);
    assert.equal(never.containers[0].lifecycle, undefined);
    assert.equal(never.terminationGracePeriodSeconds, 30);
  },
);
