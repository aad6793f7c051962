import { z } from "zod";
import { Failure, isFailure } from "$lib/error.ts";
import { AuthResponse } from "$lib/wire/common.ts";
import { DeploymentObject, Stack } from "$lib/wire/stack.ts";
import { type BundleText, placeOf, readBundle } from "./bundle_files.ts";
import type { APPLY } from "./commands.ts";
import type { ClientAsked, ClientParts, RunClient } from "./declaration.ts";
import { findGenerator, findStack, type Named } from "./names.ts";
import { finish, persistently, type Submitted, submittedBy } from "./submitting.ts";
import { addTargets, type Targets, targetsOf } from "./targets.ts";

type Options = ClientAsked<typeof APPLY>["options"];

/** `apply`: all of it, from the stack to the wait. */
export const apply: RunClient<typeof APPLY> = async ({ options }, parts) => {
  const targets = targetsOf(options.target ?? [], "apply");
  const bundle = await readBundle(options.filename, parts.terminal);
  const key = parts.newId();
  const submitted = await persistently(() => submit({ options, targets, bundle, key }, parts), options, parts);
  return await finish(submitted, options, parts);
};

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
  const agents = await addTargets(stack, { ...targets, register: options.register }, api);
  const path = `stacks/${stack.id}/deployment-objects`;
  const sent = { method: "POST", yaml: bundle.yaml, headers: { "idempotency-key": key } } as const;
  const answer = await api.send(path, DeploymentObject, sent).catch((error) => {
    throw inFiles(error, bundle);
  });
  return submittedBy(stack, answer, agents.map(({ id }) => id));
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
