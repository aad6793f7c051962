import assert from "node:assert/strict";
import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { Snapshot } from "$lib/wire/snapshot.ts";
import { DeploymentObject } from "$lib/wire/stack.ts";
import { assertCounted } from "../cases/store/delivery_counts.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { testWith } from "../run/parts.ts";
import { type Api, apiClient } from "../system/api.ts";
import { configMap } from "../system/bundles.ts";
import type { Program } from "../system/programs.ts";
import { eventually } from "../system/wait.ts";
import { openUpgrade } from "./upgrade.ts";

const IdOnly = z.object({ id: z.uuid() });
const POLICY = { suspended: true, drift: "report", default_namespace: "shop" };

testWith("postgres", "brokers of 0.10.0 go on on the database that a broker of now has migrated", async () => {
  await using parts = new AsyncDisposableStack();
  const { server, adminPak: pak, start } = await openUpgrade(parts);
  const before = await start("0.10.0");
  const cast = await assemble(apiClient(before.url, pak));

  const after = await start("now");
  const restarted = await start("0.10.0");

  const sides = [before, restarted, after].map((program) => ({ ...cast, program, admin: apiClient(program.url, pak) }));
  for (const side of sides) await delivers(side);
  const state = await stateAfterLateReport(server, cast, { old: before.url, now: after.url });
  assert.equal(state, "failed");
  await keepsPolicies(cast, { old: apiClient(before.url, pak), now: apiClient(after.url, pak) });
  for (const side of sides) await eventually("it is ready", async () => await readiness(side) === "200 Ready");
  await countsRight(server, { ...cast, old: apiClient(restarted.url, pak), now: apiClient(after.url, pak) });
});

interface Cast {
  readonly agentId: string;
  readonly agentPak: string;
  readonly stackId: string;
}

async function assemble(admin: Api): Promise<Cast> {
  const { generator } = await admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "team" });
  const { agent, initial_pak: agentPak } = await admin.send(CreateAgentResponse, "POST", "/agents", {
    name: "agent",
    cluster_name: "cluster",
    generator_ids: [generator.id],
  });
  const stack = await admin.send(IdOnly, "POST", "/stacks", { name: "web", generator_id: generator.id });
  const target = { agent_id: agent.id, stack_id: stack.id };
  await admin.send(z.unknown(), "POST", `/agents/${agent.id}/targets`, target);
  return { agentId: agent.id, agentPak, stackId: stack.id };
}

type Side = Cast & { readonly program: Program; readonly admin: Api };

/** A submission, a poll, a heartbeat and a report, all through one of the brokers. */
async function delivers({ program, admin, agentId, agentPak, stackId }: Side): Promise<void> {
  const agent = apiClient(program.url, agentPak);
  const bundle = configMap("page", { value: program.url });
  const object = await admin.send(DeploymentObject, "POST", `/stacks/${stackId}/deployment-objects`, bundle);
  const snapshot = await agent.send(Snapshot, "GET", `/agents/${agentId}/snapshot`);
  const reported = { agent_id: agentId, stack_id: stackId, deployment_object_id: object.id, state: "applied" };

  const report = await agent.call("POST", `/agents/${agentId}/events`, reported);
  const heartbeat = await agent.call("POST", `/agents/${agentId}/heartbeat`, { k8s_reachable: true });

  assert.deepEqual(snapshot.stacks.map(({ deployment_object }) => deployment_object?.id), [object.id]);
  assert.deepEqual([report.status, heartbeat.status], [201, 204]);
}

/** What an agent said later, to a broker of 0.10.0, stays when a new one hears what it said before. */
async function stateAfterLateReport(
  server: PostgresServer,
  { agentId, agentPak, stackId }: Cast,
  { old, now }: { readonly old: string; readonly now: string },
): Promise<string | undefined> {
  const report = { agent_id: agentId, stack_id: stackId, boot_id: crypto.randomUUID(), attempts: 1, revision: 1 };
  const events = `/agents/${agentId}/events`;
  const later = { ...report, seq: 2, state: "failed", reason: "apply_failed", message: "no" };
  const heard = await apiClient(old, agentPak).call("POST", events, later);
  const late = await apiClient(now, agentPak).call("POST", events, { ...report, seq: 1, state: "applied" });
  assert.deepEqual([heard.status, late.status], [201, 201]);
  const [row] = await server.asSuperuser(
    (sql) =>
      sql<{ state: string }[]>`select state from deliveries where agent_id = ${agentId} and stack_id = ${stackId}`,
    server.database,
  );
  return row?.state;
}

/** A broker of 0.10.0 neither shows nor changes what it does not know. */
async function keepsPolicies({ stackId }: Cast, { old, now }: { readonly old: Api; readonly now: Api }): Promise<void> {
  const path = `/stacks/${stackId}`;
  const changed = await now.call("PUT", path, { name: "web", ...POLICY });

  const renamed = await old.call("PUT", path, { name: "renamed" });

  const { name, suspended, drift, default_namespace } = (await now.call("GET", path)).body as Record<string, unknown>;
  assert.deepEqual([changed.status, renamed.status], [200, 200]);
  assert.deepEqual({ name, suspended, drift, default_namespace }, { name: "renamed", ...POLICY });
}

/** What a broker of 0.10.0 adds, changes and ends of deliveries is counted, and so is what one of now does with it. */
async function countsRight(
  server: PostgresServer,
  { agentId, stackId, old, now }: Cast & { readonly old: Api; readonly now: Api },
): Promise<void> {
  const counted = () =>
    server.asSuperuser(async (sql) => {
      await assertCounted(sql);
      const rows = await sql<{ state: string; deliveries: number }[]>`
        select state, deliveries from agent_delivery_counts where agent_id = ${agentId} and deliveries > 0`;
      return Object.fromEntries(rows.map(({ state, deliveries }) => [state, deliveries]));
    }, server.database);
  const before = await counted();
  const submitted = await old.call(
    "POST",
    `/stacks/${stackId}/deployment-objects`,
    configMap("page", { value: "new" }),
  );
  const pending = await counted();
  const ended = await old.call("DELETE", `/agents/${agentId}/targets/${stackId}`);
  const ending = await counted();
  const removed = await old.call("DELETE", `/agents/${agentId}`);
  const after = await counted();

  assert.deepEqual([submitted.status, ended.status, removed.status], [201, 204, 204]);
  assert.deepEqual([before, pending, ending, after], [{ failed: 1 }, { pending: 1 }, { terminating: 1 }, {}]);
  assert.equal((await now.call("GET", `/agents/${agentId}`)).status, 404);
}

async function readiness({ program: { url } }: Side): Promise<string> {
  const answer = await fetch(`${url}/readyz`);
  return `${answer.status} ${await answer.text()}`;
}
