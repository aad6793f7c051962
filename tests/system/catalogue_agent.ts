import assert from "node:assert/strict";
import { z } from "zod";
import { VERSION } from "$lib/program/version.ts";
import type { SimulatedCluster } from "../fakes/cluster/mod.ts";
import { bundle, configMap, namespace } from "./bundles.ts";
import { scrape } from "./metrics_page.ts";
import { Movement, processMoves } from "./movement.ts";
import { eventually } from "./wait.ts";
import type { World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";

/** Makes an agent do everything that is counted, and everything go wrong that can; `broker` is the broker's page. */
export async function driveAgent(world: World, broker: Movement): Promise<Movement> {
  const cluster = world.servers.simulated ?? assert.fail("the cluster can't be broken");
  const agent = new Movement(() => world.agent.url);
  await starts(world, { agent, broker, cluster });
  const stack = await world.addStack("web");
  await delivers(world, { agent, stack });
  await obeysPolicies(world, { agent, stack });
  await refuses(world, { agent, cluster, stack });
  await repairs(world, { agent });
  await removes(world, { agent, cluster, stack });
  await isInTheWay(world, { agent, broker, stack });
  await losesTheBroker(world, { agent, cluster, stack });
  return agent;
}

interface Driven {
  readonly agent: Movement;
  readonly cluster: SimulatedCluster;
  readonly stack: string;
}

async function starts(
  world: World,
  { agent, broker, cluster }: Omit<Driven, "stack"> & { readonly broker: Movement },
): Promise<void> {
  cluster.fault({ verb: "get", path: /\/configmaps\/brokkr-/ }, { status: 403 });
  cluster.fault({ verb: "create", path: /\/configmaps$/ }, { status: 403 });
  cluster.fault({ verb: "create", path: /\/configmaps$/ }, { status: 503 });
  cluster.fault({ path: "/version" }, { status: 503 });
  for (const status of [410, 503]) cluster.fault({ verb: "watch" }, { status });
  await broker.expect("an agent gives its first sign of life", () => world.startAgent(), {
    by: { 'brokkr_connectivity_transitions_total{to="connected"}': 1 },
    to: { [`brokkr_agents_by_version{version="${VERSION}"}`]: 1 },
  });
  const ofProcess = processMoves("agent", 'k8s_cluster_name="cluster"');
  await agent.expectSinceStart("the agent runs and polls", {
    by: {
      ...kubernetes("create", "error", 1),
      ...kubernetes("create", "refused", 1),
      ...kubernetes("create", "success", 1),
      'brokkr_agent_kubernetes_operation_duration_seconds_count{operation="create"}': 3,
    },
    more: [
      polls("empty"),
      "brokkr_agent_poll_duration_seconds_count",
      "brokkr_agent_heartbeat_sent_total",
      "brokkr_agent_last_successful_poll_timestamp",
      ...["success", "refused", "error"].flatMap((result) => Object.keys(kubernetes("get", result, 1))),
      'brokkr_agent_kubernetes_operation_duration_seconds_count{operation="get"}',
      ...ofProcess.more,
    ],
    to: {
      ...ofProcess.to,
      "brokkr_agent_broker_connected": 1,
      "brokkr_agent_leader": 1,
      "brokkr_agent_managed_objects": 0,
    },
  });
}

async function delivers(world: World, { agent, stack }: Pick<Driven, "agent" | "stack">): Promise<void> {
  await agent.expect("two objects are created", async () => {
    await world.untilApplied(await world.submit(stack, bundle(configMap("page"), configMap("other"))));
  }, {
    by: { ...turns("applied", 1), ...objects("created", 2) },
    more: [
      polls("success"),
      ...["apply", "list"].flatMap((operation) => kubernetesOf(operation, "success")),
      ...["success", "refused", "error"].flatMap((result) => kubernetesOf("watch", result)),
    ],
    to: { "brokkr_agent_managed_objects": 2 },
  });
  await agent.expect("one is changed, the other is not", async () => {
    await world.untilApplied(await world.submit(stack, bundle(configMap("page", { value: "2" }), configMap("other"))));
  }, {
    by: { ...turns("applied", 1), ...objects("configured", 1) },
    more: [...Object.keys(objects("unchanged", 1)), ...kubernetesOf("dry_run", "success")],
  });
  await agent.expect("one is not wanted any more", async () => {
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "2" })));
  }, {
    by: { ...turns("applied", 1), ...objects("deleted", 1) },
    more: kubernetesOf("delete", "success"),
    to: { "brokkr_agent_managed_objects": 1 },
  });
}

/** One object can't be changed and may be made anew, another one stays when its bundle has it no more. */
async function obeysPolicies(world: World, { agent, stack }: Pick<Driven, "agent" | "stack">): Promise<void> {
  const page = configMap("page", { value: "2" });
  const fixed = (value: string) =>
    `immutable: true\n${withPolicy(configMap("fixed", { value }), "replace: immutable")}`;
  const kept = withPolicy(configMap("kept"), "prune: disabled");
  await world.untilApplied(await world.submit(stack, bundle(page, fixed("1"), kept)));
  await agent.expect("one is replaced, one is kept", async () => {
    await world.untilApplied(await world.submit(stack, bundle(page, fixed("2"))));
  }, { by: { ...turns("applied", 1), ...objects("replaced", 1), ...objects("kept", 1) } });
  await world.untilApplied(await world.submit(stack, page));
}

function withPolicy(manifest: string, policy: string): string {
  return manifest.replace("metadata: {", `metadata: { annotations: { brokkr.io/${policy} },`);
}

async function refuses(world: World, { agent, cluster, stack }: Driven): Promise<void> {
  await agent.expect("a refused object fails its turn, and the next turn goes well", async () => {
    const heal = cluster.fault({ method: "PATCH", path: PAGE }, { times: Infinity, status: 403, reason: "Forbidden" });
    const object = await world.submit(stack, configMap("page", { value: "3" }));
    await eventually("it fails", async () => (await world.events(object.id))[0]?.status === "FAILURE");
    heal();
    await world.untilApplied(object);
  }, {
    by: turns("applied", 1),
    more: [...Object.keys({ ...turns("failed", 1), ...objects("failed", 1) }), ...kubernetesOf("dry_run", "refused")],
  });
  await agent.expect("what is refused in passing is sent again", async () => {
    cluster.fault({ method: "PATCH", path: PAGE, query: "dryRun=All" }, { status: 503 });
    cluster.fault({ verb: "list", path: /configmaps/ }, { status: 503 });
    for (const status of [503, 409]) {
      cluster.fault({ method: "PATCH", path: PAGE, where: ({ isDryRun }) => !isDryRun }, { status });
      cluster.fault({ method: "PATCH", path: /configmaps\/brokkr-/ }, { status });
    }
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "4" })));
  }, {
    by: {
      ...turns("applied", 1),
      ...kubernetes("apply", "error", 1),
      ...kubernetes("apply", "refused", 1),
      ...kubernetes("patch", "error", 1),
      ...kubernetes("patch", "refused", 1),
    },
    more: [...kubernetesOf("list", "error"), ...kubernetesOf("dry_run", "error"), ...kubernetesOf("patch", "success")],
  });
  await agent.expect("a list and a deletion that are refused fail their turns", async () => {
    cluster.fault({ verb: "list", path: /configmaps/ }, { status: 403 });
    cluster.fault({ verb: "delete", path: /other$/ }, { status: 403 });
    await world.untilApplied(await world.submit(stack, bundle(configMap("page", { value: "4" }), configMap("other"))));
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "4" })));
  }, {
    by: { ...kubernetes("list", "refused", 1), ...kubernetes("delete", "refused", 1) },
    more: Object.keys(turns("failed", 1)),
  });
}

async function repairs(world: World, { agent }: Pick<Driven, "agent">): Promise<void> {
  await agent.expect("what a person changed is put right", () => {
    return world.cluster.patch(PAGE, { data: { value: "by hand" } });
  }, {
    by: { "brokkr_agent_drift_repaired_total": 1, ...objects("configured", 1), ...turns("applied", 1) },
    more: Object.keys(turns("unchanged", 1)),
  });
}

async function removes(world: World, { agent, cluster, stack }: Driven): Promise<void> {
  const stacks = [await world.addStack("left"), await world.addStack("right")];
  const all = [stack, ...stacks];
  for (const [at, id] of stacks.entries()) {
    await world.untilApplied(await world.submit(id, bundle(namespace(`n${at}`), configMap(`page-${at}`))));
  }
  await agent.expect("the removal of everything at once is held", async () => {
    await whileInactive(world, async () => {
      for (const id of all) await world.admin.call("DELETE", `/agents/${world.agentId}/targets/${id}`);
    });
  }, {
    more: ['brokkr_agent_reconciliations_total{result="blocked"}'],
    to: { "brokkr_agent_prunes_blocked": all.length },
  });
  await agent.expect("targets that return are held no more", async () => {
    await whileInactive(world, async () => {
      for (const stack_id of all) {
        await world.admin.call("POST", `/agents/${world.agentId}/targets`, { agent_id: world.agentId, stack_id });
      }
    });
  }, { to: { "brokkr_agent_prunes_blocked": 0 } });
  await agent.expect("a deleted stack is removed, although a deletion fails in passing", async () => {
    cluster.fault({ verb: "delete", path: /page-1$/ }, { status: 503 });
    await world.admin.call("DELETE", `/stacks/${stacks[1]}`);
  }, {
    by: { ...turns("applied", 1), ...objects("deleted", 2), ...kubernetes("delete", "error", 1) },
    to: { "brokkr_agent_managed_objects": 3 },
  });
}

/** Changes that the agent sees as one, whenever it polls: until all are made it may write nothing. */
async function whileInactive(world: World, change: () => Promise<void>): Promise<void> {
  const be = (status: string) => world.admin.send(z.unknown(), "PUT", `/agents/${world.agentId}`, { status });
  await be("INACTIVE");
  await change();
  await be("ACTIVE");
}

/** A stack drops its namespace, in which somebody has put something. */
async function isInTheWay(
  world: World,
  { agent, broker, stack }: Pick<Driven, "agent" | "stack"> & { readonly broker: Movement },
): Promise<void> {
  await world.untilApplied(await world.submit(stack, bundle(namespace("shop"), configMap("shop"))));
  await world.cluster.create("/api/v1/namespaces/shop/configmaps", { metadata: { name: "theirs" } });
  await agent.expect("a turn that finds a namespace in use is blocked, and timed", async () => {
    await broker.expect("a namespace in use is not removed", () => world.submit(stack, configMap("shop")), {
      to: { 'brokkr_deliveries{state="blocked"}': 1 },
    });
  }, { more: Object.keys(turns("blocked", 1)) });
  await broker.expect("it is removed once it is not in use", async () => {
    await world.cluster.remove("/api/v1/namespaces/shop/configmaps/theirs");
    await world.submit(stack, configMap("shop", { value: "2" }));
  }, {
    to: { 'brokkr_deliveries{state="blocked"}': 0 },
  });
}

async function losesTheBroker(world: World, { agent, cluster, stack }: Driven): Promise<void> {
  const released = Promise.withResolvers<void>();
  const heal = cluster.fault({ method: "PATCH", path: PAGE }, { times: Infinity, until: released.promise });
  await agent.expect("the broker is lost while a turn runs", async () => {
    await world.submit(stack, configMap("page", { value: "5" }));
    await eventually("the turn runs", async () => {
      return (await scrape(world.broker.url)).get('brokkr_deliveries{state="applying"}') === 1;
    });
    await world.broker.kill();
    heal();
    released.resolve();
  }, { more: [polls("error")], to: { "brokkr_agent_broker_connected": 0, "brokkr_agent_reports_pending": 1 } });
  await agent.expect("it is found again", () => world.startBroker(), {
    to: { "brokkr_agent_broker_connected": 1, "brokkr_agent_reports_pending": 0 },
  });
}

function polls(result: string): string {
  return `brokkr_agent_poll_requests_total{result="${result}"}`;
}

function kubernetes(operation: string, result: string, by: number): Record<string, number> {
  return { [`brokkr_agent_kubernetes_operations_total{operation="${operation}",result="${result}"}`]: by };
}

function kubernetesOf(operation: string, result: string): readonly string[] {
  const duration = `brokkr_agent_kubernetes_operation_duration_seconds_count{operation="${operation}"}`;
  return [...Object.keys(kubernetes(operation, result, 1)), duration];
}

/** A turn is counted and timed. */
function turns(result: string, by: number): Record<string, number> {
  return {
    [`brokkr_agent_reconciliations_total{result="${result}"}`]: by,
    [`brokkr_agent_reconcile_duration_seconds_count{result="${result}"}`]: by,
  };
}

function objects(action: string, by: number): Record<string, number> {
  return { [`brokkr_agent_objects_total{action="${action}"}`]: by };
}
