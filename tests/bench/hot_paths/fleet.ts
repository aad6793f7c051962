import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { type Api, apiClient } from "../../system/api.ts";
import { configMap } from "../../system/bundles.ts";

const LABEL = "edge";

/** An agent as the broker knows it, without a program behind it. */
export interface FleetAgent {
  readonly id: string;
  readonly pak: string;
}

/** Agents that share a label with every stack; each stack has one small object. */
export interface Fleet {
  readonly agents: readonly FleetAgent[];
  readonly stackIds: readonly string[];
}

/** How large a fleet, and who makes it. */
export interface FleetOptions {
  readonly adminPak: string;
  readonly agentCount: number;
  readonly stackCount: number;
  /** Whose the stacks are: a generator that is made. */
  readonly generatorName?: string;
}

/** Makes a fleet through the API. */
export async function makeFleet(
  url: string,
  { adminPak, agentCount, stackCount, generatorName = "team" }: FleetOptions,
): Promise<Fleet> {
  const admin = apiClient(url, adminPak);
  const { generator, pak } = await admin.send(CreateGeneratorResponse, "POST", "/generators", {
    name: generatorName,
  });
  const agents: FleetAgent[] = [];
  for (let number = 0; number < agentCount; number += 1) agents.push(await addAgent(admin, generator.id, number));
  const owner = apiClient(url, pak);
  const stackIds: string[] = [];
  for (let number = 0; number < stackCount; number += 1) stackIds.push(await addStack(owner, generator.id, number));
  return { agents, stackIds };
}

async function addAgent(admin: Api, generatorId: string, number: number): Promise<FleetAgent> {
  const { agent, initial_pak: pak } = await admin.send(CreateAgentResponse, "POST", "/agents", {
    ...{ name: `agent-${number}`, cluster_name: "fleet", generator_ids: [generatorId] },
  });
  await admin.send(z.unknown(), "PUT", `/agents/${agent.id}`, { status: "ACTIVE" });
  await admin.send(z.unknown(), "POST", `/agents/${agent.id}/labels`, { agent_id: agent.id, label: LABEL });
  return { id: agent.id, pak };
}

/** Of what is made, as a broker of 0.10.0 answers it too. */
const Made = z.object({ id: z.string() });

async function addStack(owner: Api, generatorId: string, number: number): Promise<string> {
  const { id } = await owner.send(Made, "POST", "/stacks", { name: `stack-${number}`, generator_id: generatorId });
  await owner.send(z.unknown(), "POST", `/stacks/${id}/deployment-objects`, configMap(`settings-${number}`));
  await owner.send(z.unknown(), "POST", `/stacks/${id}/labels`, JSON.stringify(LABEL));
  return id;
}
