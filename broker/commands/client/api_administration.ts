import { Agent, CreateAgentResponse, RotatedAgentPak } from "$lib/wire/agent.ts";
import { RotatedPak } from "$lib/wire/common.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import type { Administration } from "../administration.ts";
import type { BrokerApi } from "./api.ts";
import { findAgent, findGenerator, isId } from "./names.ts";

/** Administration by a broker's API: by who is its admin, or by a generator or an agent of itself. */
export function apiAdministration(api: BrokerApi): Administration {
  const { send } = api;
  const revoke = { method: "POST", json: { revoke: true } } as const;
  const idOf = async (nameOrId: string, find: typeof findAgent) =>
    isId(nameOrId) ? nameOrId : (await find(api, nameOrId)).id;
  return {
    async createAgent({ generators, ...names }, { isActive }) {
      const json = {
        ...names,
        generator_ids: await Promise.all(generators.map((generator) => idOf(generator, findGenerator))),
      };
      const { value } = await send("agents", CreateAgentResponse, { method: "POST", json });
      const { agent: { id, status }, initial_pak: pak } = value;
      if (!isActive) return { id, pak, status };
      const activated = await send(`agents/${id}`, Agent, { method: "PUT", json: { status: "ACTIVE" } });
      return { id, pak, status: activated.value.status };
    },
    async createGenerator(asked) {
      const { value } = await send("generators", CreateGeneratorResponse, { method: "POST", json: asked });
      return { id: value.generator.id, pak: value.pak };
    },
    rotateAdmin: async () => (await send("admin/rotate-pak", RotatedPak, revoke)).value.pak,
    async rotateAgent(nameOrId) {
      const id = await idOf(nameOrId, findAgent);
      const { value: { agent, pak } } = await send(`agents/${id}/rotate-pak`, RotatedAgentPak, revoke);
      return { name: agent.name, pak };
    },
    async rotateGenerator(nameOrId) {
      const id = await idOf(nameOrId, findGenerator);
      const { value: { generator, pak } } = await send(`generators/${id}/rotate-pak`, CreateGeneratorResponse, revoke);
      return { name: generator.name, pak };
    },
  };
}
