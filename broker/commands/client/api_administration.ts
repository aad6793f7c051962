import { Agent, CreateAgentResponse, RotatedAgentPak } from "$lib/wire/agent.ts";
import { RotatedPak } from "$lib/wire/common.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import type { Administration } from "../administration.ts";
import type { BrokerApi } from "./api.ts";

/** Administration by a broker's API: by who is its admin, or by a generator of itself. */
export function apiAdministration({ send }: Pick<BrokerApi, "send">): Administration {
  const revoke = { method: "POST", json: { revoke: true } } as const;
  return {
    async createAgent(agent, { isActive }) {
      const { value } = await send("agents", CreateAgentResponse, { method: "POST", json: agent });
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
    rotateAgent: async (id) => (await send(`agents/${id}/rotate-pak`, RotatedAgentPak, revoke)).value.pak,
    async rotateGenerator(id) {
      const { value } = await send(`generators/${id}/rotate-pak`, CreateGeneratorResponse, revoke);
      return { name: value.generator.name, pak: value.pak };
    },
  };
}
