import { z } from "zod";
import { Failure, isFailure } from "$lib/error.ts";
import { AgentGeneratorRegistration, AgentTarget } from "$lib/wire/agent.ts";
import { AuthResponse } from "$lib/wire/common.ts";
import { DeploymentObject, Stack, StackLabel } from "$lib/wire/stack.ts";
import { type BundleText, placeOf, readBundle } from "./bundle_files.ts";
import { usage } from "./command_line.ts";
import type { APPLY } from "./commands.ts";
import type { ClientAsked, ClientParts, RunClient } from "./declaration.ts";
import { findAgent, findGenerator, findStack, type Named } from "./names.ts";
import { finish, persistently, type Submitted, submittedBy } from "./submitting.ts";

type Options = ClientAsked<typeof APPLY>["options"];

/** Whom a stack is for. */
interface Targets {
  readonly agents: readonly string[];
  readonly labels: readonly string[];
}

/** `apply`: all of it, from the stack to the wait. */
export const apply: RunClient<typeof APPLY> = async ({ options }, parts) => {
  const targets = targetsOf(options.target ?? []);
  const bundle = await readBundle(options.filename, parts.terminal);
  const key = parts.newId();
  const submitted = await persistently(() => submit({ options, targets, bundle, key }, parts), options, parts);
  return await finish(submitted, options, parts);
};

/** @throws {Failure} `invalid_settings` for what is neither `agent=` nor `label=`. */
function targetsOf(given: readonly string[]): Targets {
  const pairs = given.map((text) => /^(agent|label)=([^]+)$/.exec(text));
  const wrong = given.filter((_, at) => pairs[at] === null);
  if (wrong.length > 0) throw usage("apply", wrong.map((text) => `--target must be agent=A or label=L, not "${text}"`));
  const valuesOf = (kind: string) => pairs.flatMap((pair) => pair?.[1] === kind ? [pair[2] ?? ""] : []);
  return { agents: valuesOf("agent"), labels: valuesOf("label") };
}

interface Submission {
  readonly options: Options;
  readonly targets: Targets;
  readonly bundle: BundleText;
  /** The same each time it is tried, so that it is one. */
  readonly key: string;
}

/** Each step may be done twice, so that all of it may. */
async function submit({ options, targets, bundle, key }: Submission, parts: ClientParts): Promise<Submitted> {
  const { api } = parts;
  const stack = await findOrCreate(options, parts);
  const agents = await Promise.all(targets.agents.map((name) => findAgent(api, name)));
  for (const agent of agents) await target(agent, stack, { options, parts });
  for (const label of targets.labels) {
    await unlessThere(api.send(`stacks/${stack.id}/labels`, StackLabel, { method: "POST", json: label }));
  }
  const path = `stacks/${stack.id}/deployment-objects`;
  const sent = { method: "POST", yaml: bundle.yaml, headers: { "idempotency-key": key } } as const;
  const answer = await api.send(path, DeploymentObject, sent).catch((error) => {
    throw inFiles(error, bundle);
  });
  return submittedBy(stack, answer, agents.map(({ id }) => id));
}

interface Targeting {
  readonly options: Options;
  readonly parts: ClientParts;
}

/** @throws {Failure} `broker_rejected` where the agent does not receive from the stack's generator. */
async function target({ id, name }: Named, stack: Named, { options, parts: { api } }: Targeting): Promise<void> {
  if (options.register) {
    const { value: { generator_id: generatorId } } = await api.get(`stacks/${stack.id}`, Stack);
    const sent = { method: "POST", json: { agent_id: id } } as const;
    await unlessThere(api.send(`generators/${generatorId}/register`, AgentGeneratorRegistration, sent));
  }
  const sent = { method: "POST", json: { agent_id: id, stack_id: stack.id } } as const;
  await unlessThere(api.send(`agents/${id}/targets`, AgentTarget, sent)).catch((error) => {
    if (!isFailure(error) || error.details?.code !== "agent_not_registered") throw error;
    const how = "--register lets it, with the admin's key; so does its own setting agent.generator_ids";
    const what = `agent "${name}" does not receive from the generator of stack "${stack.name}"`;
    throw new Failure("broker_rejected", `Cannot target: ${what}: ${how}`);
  });
}

async function findOrCreate({ stack: name, create, generator }: Options, { api }: ClientParts): Promise<Named> {
  try {
    return await findStack(api, name);
  } catch (error) {
    if (!isFailure(error, "stack_not_found")) throw error;
    if (!create) throw new Failure("stack_not_found", `${error.message}; --create makes it`);
  }
  const { value: caller } = await api.send("auth/pak", AuthResponse, { method: "POST" });
  const own = generator === undefined ? caller.generator : undefined;
  const ownerId = own ?? (await findGenerator(api, generator ?? ADMINS_OWN)).id;
  return (await api.send("stacks", Stack, { method: "POST", json: { name, generator_id: ownerId } })).value;
}

/** The generator by which the admin owns stacks. */
const ADMINS_OWN = "admin-generator";

const THERE: ReadonlySet<unknown> = new Set(["unique_violation", "already_registered"]);

async function unlessThere(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isFailure(error, "broker_rejected") || !THERE.has(error.details?.code)) throw error;
  }
}

const Faults = z.object({ errors: z.array(z.object({ line: z.number(), message: z.string() })).min(1) });
const FAULTS_SHOWN = 20;

/** What is wrong with a bundle of several files, by file and line. */
function inFiles(error: unknown, bundle: BundleText): unknown {
  const faults = isFailure(error, "broker_rejected") ? Faults.safeParse(error.details).data?.errors : undefined;
  if (faults === undefined || bundle.files.length < 2) return error;
  const lines = faults.slice(0, FAULTS_SHOWN).map(({ line, message }) => `${placeOf(line, bundle)}: ${message}`);
  const more = faults.length > FAULTS_SHOWN ? [`and ${faults.length - FAULTS_SHOWN} more`] : [];
  return new Failure("broker_rejected", ["Cannot submit these files:", ...lines, ...more].join("\n  "));
}
