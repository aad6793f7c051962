import type { z } from "zod";
import type { CommandParts } from "$lib/program/command.ts";
import { Failure } from "$lib/error.ts";
import { CreateAgentRequest } from "$lib/wire/agent.ts";
import { NewGenerator } from "$lib/wire/generator.ts";
import { mayRotateGenerator } from "../domain/access.ts";
import type { Generator } from "../domain/generator.ts";
import { mintPak } from "../domain/pak.ts";
import type { BrokerSettings } from "../settings.ts";
import { isSchemaUsable } from "../store/migrate.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";
import type { Administration, OpenAdministration } from "./administration.ts";
import { generatorIn, isId, type Named, onlyAgent } from "./client/names.ts";
import { databaseOf } from "./database.ts";

/**
 * Administration on the database itself.
 *
 * @throws {Failure} `invalid_settings` when the database is held by another process, or is not of this program's shape.
 */
export async function databaseAdministration(
  settings: BrokerSettings,
  parts: CommandParts,
): Promise<OpenAdministration> {
  await using opening = new AsyncDisposableStack();
  const { database } = opening.use(await databaseOf(settings, parts));
  if (!await isSchemaUsable(database.sql)) {
    throw new Failure(
      "invalid_settings",
      "Cannot use the database: it has another schema than this program; `migrate` or a start of the broker mends that",
    );
  }
  const open = opening.move();
  const store = openStore(database);
  const close = async () => {
    await store.notices.flush();
    await open.disposeAsync();
  };
  return { ...administrationOf(store), [Symbol.asyncDispose]: close };
}

function administrationOf(store: Store): Administration {
  const { adminRole, agents, generators } = store;
  return {
    async createAgent({ generators: given, ...names }, { isActive }) {
      const generator_ids = await Promise.all(given.map(async (one) => (await findGenerator(generators, one)).id));
      const agent = checked(CreateAgentRequest, { ...names, generator_ids });
      const { name, cluster_name: clusterName, generator_ids: generatorIds = [] } = agent;
      const { pak, hash: pakHash } = await mintPak();
      const made = await agents.add({ name, clusterName, generatorIds, pakHash });
      const { status } = isActive ? await agents.change(made.id, { status: "ACTIVE" }) : made;
      return { id: made.id, pak, status };
    },
    async createGenerator(generator) {
      const { name, description } = checked(NewGenerator, generator);
      const { pak, hash: pakHash } = await mintPak();
      const { id } = await generators.add({ name, description: description ?? undefined, pakHash });
      return { id, pak };
    },
    async rotateAdmin() {
      const { pak, hash: pakHash } = await mintPak();
      await adminRole.changePak({ pakHash, keepsFormer: false });
      return pak;
    },
    async rotateAgent(nameOrId) {
      const { id, name } = await findAgent(agents, nameOrId);
      const { pak, hash: pakHash } = await mintPak();
      await agents.changePak(id, { pakHash, keepsFormer: false });
      return { name, pak };
    },
    async rotateGenerator(nameOrId) {
      const { id, ...generator } = await findGenerator(generators, nameOrId);
      mayRotateGenerator({ role: "admin", id: "admin" }, { id, ...generator });
      const { pak, hash: pakHash } = await mintPak();
      const { name } = await generators.changePak(id, { pakHash, keepsFormer: false });
      return { name, pak };
    },
  };
}

async function findAgent(agents: Store["agents"], nameOrId: string): Promise<Named> {
  if (isId(nameOrId)) return await agents.get(nameOrId);
  return onlyAgent((await agents.list({ name: nameOrId })).items, nameOrId);
}

async function findGenerator(generators: Store["generators"], nameOrId: string): Promise<Generator> {
  if (isId(nameOrId)) return await generators.get(nameOrId);
  return generatorIn((await generators.list()).items, nameOrId);
}

/** @throws {Failure} `invalid_request_body` with a line for each fault. */
function checked<S extends z.ZodType>(shape: S, value: unknown): z.output<S> {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Failure("invalid_request_body", ["Cannot accept what was asked: it has faults", ...faults].join("\n  "));
}
