import assert from "node:assert/strict";
import { configMap } from "../system/bundles.ts";
import { scrape } from "../system/metrics_page.ts";
import { eventually } from "../system/wait.ts";
import { openWorld } from "../system/world.ts";
import { unpackOldPrograms } from "./old_programs.ts";
import { longTest } from "../run/parts.ts";

const PENDING = "brokkr_agent_reports_pending";
const PAGE = "/api/v1/namespaces/default/configmaps/page";

longTest("an agent of 0.10.0 goes on with a broker of now, and its word about what is gone is taken", async () => {
  await using old = await unpackOldPrograms();
  await using world = await openWorld({ parts: [], agentEntry: old.entry("agent") });
  const [page, empty] = [await world.addStack("page"), await world.addStack("empty")];

  const object = await world.submit(page, configMap("page", { value: "1" }));
  await world.untilApplied(object);
  await world.generator.call("DELETE", `/stacks/${empty}`);
  await world.generator.call("PUT", `/stacks/${page}`, { name: "page", drift: "off" });
  await world.generator.call("DELETE", `/stacks/${page}`);
  await world.untilRemoved(object);

  assert.equal(await world.cluster.get(PAGE), undefined);
  await eventually("the agent has said all", async () => (await scrape(world.agent.url)).get(PENDING) === 0);
  assert.match(world.agent.output(), /stack="empty".* state="removed"/);
  assert.doesNotMatch(world.agent.output(), /refuses/);
});
