import { z } from "zod";
import { Agent, AgentGeneratorRegistration, AgentLabel } from "$lib/wire/agent.ts";
import { mustSayYes } from "./confirm.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { findAgent, findGenerator, type Named } from "./names.ts";
import type { DEREGISTER, LABEL, REGISTER, SWITCH, UNLABEL } from "./participants.ts";
import { unlessThere } from "./targets.ts";
import { plain } from "./text.ts";

/** `activate`: the agent writes to its cluster from now on. */
export const activate: RunClient<typeof SWITCH> = async ({ arguments: [name = ""] }, parts) =>
  await changeStatus(name, "ACTIVE", parts);

/** `deactivate`: the agent writes nothing to its cluster from now on. */
export const deactivate: RunClient<typeof SWITCH> = async ({ arguments: [name = ""] }, parts) =>
  await changeStatus(name, "INACTIVE", parts);

const STATUS = { ACTIVE: "active: it writes to its cluster", INACTIVE: "inactive: it writes nothing to its cluster" };

async function changeStatus(name: string, status: keyof typeof STATUS, { api, terminal }: ClientParts) {
  const agent = await findAgent(api, name);
  await api.send(`agents/${agent.id}`, Agent, { method: "PUT", json: { status } });
  terminal.output.write(`${agentText(agent)} is ${STATUS[status]}\n`);
  return EXIT.done;
}

/** `register`: the agent receives from a generator. */
export const register: RunClient<typeof REGISTER> = async ({ options, arguments: [name = ""] }, { api, terminal }) => {
  const { agent, generator } = await findBoth(api, name, options.generator);
  const sent = { method: "POST", json: { agent_id: agent.id } } as const;
  const path = `generators/${generator.id}/register`;
  const isNew = await unlessThere(api.send(path, AgentGeneratorRegistration, sent));
  terminal.output.write(`${agentText(agent)} receives from ${generatorText(generator)}${isNew ? "" : " already"}\n`);
  return EXIT.done;
};

/** `deregister`: the agent receives from a generator no more, and removes what it has of it. */
export const deregister: RunClient<typeof DEREGISTER> = async ({ options, arguments: [name = ""] }, parts) => {
  const { api, terminal } = parts;
  const { agent, generator } = await findBoth(api, name, options.generator);
  if (!options.yes) {
    const question =
      `${agentText(agent)} is to receive from ${generatorText(generator)} no more, and removes what it ` +
      "has of it. Go on?";
    await mustSayYes({ command: "deregister", question, flag: "--yes" }, parts);
  }
  const sent = { method: "DELETE", json: { agent_id: agent.id } } as const;
  await api.send(`generators/${generator.id}/register`, z.undefined(), sent);
  terminal.output.write(`${agentText(agent)} receives from ${generatorText(generator)} no more\n`);
  return EXIT.done;
};

async function findBoth(api: ClientParts["api"], agent: string, generator: string) {
  return { agent: await findAgent(api, agent), generator: await findGenerator(api, generator) };
}

/** `label`: the agent has a label, and every stack that has it too. */
export const label: RunClient<typeof LABEL> = async ({ arguments: [name = "", text = ""] }, { api, terminal }) => {
  const agent = await findAgent(api, name);
  const sent = { method: "POST", json: { agent_id: agent.id, label: text } } as const;
  const isNew = await unlessThere(api.send(`agents/${agent.id}/labels`, AgentLabel, sent));
  terminal.output.write(`${agentText(agent)} has label "${plain(text)}"${isNew ? "" : " already"}\n`);
  return EXIT.done;
};

/** `unlabel`: the agent has a label no more, and removes what it had for that alone. */
export const unlabel: RunClient<typeof UNLABEL> = async ({ options, arguments: [name = "", text = ""] }, parts) => {
  const { api, terminal } = parts;
  const agent = await findAgent(api, name);
  if (!options.yes) {
    const question = `${agentText(agent)} is to have label "${plain(text)}" no more, and removes what it has for ` +
      "that alone. Go on?";
    await mustSayYes({ command: "unlabel", question, flag: "--yes" }, parts);
  }
  await api.send(`agents/${agent.id}/labels/${encodeURIComponent(text)}`, z.undefined(), { method: "DELETE" });
  terminal.output.write(`${agentText(agent)} has label "${plain(text)}" no more\n`);
  return EXIT.done;
};

function agentText({ name }: Named): string {
  return `Agent "${plain(name)}"`;
}

function generatorText({ name }: Named): string {
  return `generator "${plain(name)}"`;
}
