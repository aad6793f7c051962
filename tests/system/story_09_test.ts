import assert from "node:assert/strict";
import { bundle, configMap, deployment } from "./bundles.ts";
import { LIGHT, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

/** A Deployment whose selector does not match its pods: the API server refuses it. */
function refused(name: string): string {
  return deployment(name).replace(`labels: { app: ${name} }`, "labels: { app: another }");
}

story(
  "9: one bad document in one stack delays no other stack, and all its errors are reported at once",
  LIGHT,
  async (parts) => {
    await using world = await openWorld({ parts });
    const bad = await world.addStack("bad");
    const good = await world.addStack("good");

    const badObject = await world.submit(bad, bundle(configMap("innocent"), refused("first"), refused("second")));
    await world.untilApplied(await world.submit(good, configMap("fine")));

    const failure = await eventually("the failure is reported", async () => (await world.events(badObject.id))[0]);
    assert.equal(failure.status, "FAILURE");
    assert.match(failure.message ?? "", /first/);
    assert.match(failure.message ?? "", /second/);
    const innocent = await world.cluster.get("/api/v1/namespaces/default/configmaps/innocent");
    assert.equal(innocent, undefined, "nothing of a refused bundle is applied");
  },
);

story(
  "9: a bundle that can't be read is refused when it is submitted, every fault with document and line",
  LIGHT,
  async (parts) => {
    await using world = await openWorld({ parts, startsAgent: false });
    const stack = await world.addStack("bad");
    const text = `${configMap("fine")}---\nkind: ConfigMap\nmetadata: { name: x }\n---\na: [1\n`;

    const answer = await world.generator.call("POST", `/stacks/${stack}/deployment-objects`, text);

    assert.equal(answer.status, 400);
    const { code, message, details } = answer.body as { code: string; message: string; details: unknown };
    assert.equal(code, "invalid_deployment_object");
    const whole = message + JSON.stringify(details);
    assert.match(whole, /"document":2,"line":6/);
    assert.match(whole, /"document":3/);
  },
);
