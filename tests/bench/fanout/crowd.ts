import { z } from "zod";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import type { DatabaseAddress, PostgresServer } from "../../postgres/postgres_server.ts";
import { apiClient } from "../../system/api.ts";
import { adminKey } from "../../system/keys.ts";

const LABEL = "crowd";
/** What any version answers of what it made. */
const IdOnly = z.object({ id: z.uuid() });

/** An agent that polls and says that it lives. */
export interface CrowdAgent {
  readonly id: string;
  readonly pak: string;
}

/** Agents that all get one stack; some of them have a key that is known. */
export interface Crowd {
  readonly stackId: string;
  readonly agents: readonly CrowdAgent[];
}

/** How large a crowd, and where. */
export interface CrowdOptions {
  readonly adminPak: string;
  readonly size: number;
  /** How many poll. */
  readonly polling: number;
  readonly server: PostgresServer;
  readonly database: DatabaseAddress;
}

/** Makes a crowd: its agents by SQL, for thousands through the API would take longer than what is measured. */
export async function makeCrowd(url: string, options: CrowdOptions): Promise<Crowd> {
  const { adminPak, size, polling, server, database } = options;
  const admin = apiClient(url, adminPak);
  const { generator } = await admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "crowd" });
  const { id: stackId } = await admin.send(IdOnly, "POST", "/stacks", { name: "crowd", generator_id: generator.id });
  const keys = await Promise.all(Array.from({ length: polling }, () => adminKey()));
  const hashes = Array.from({ length: size }, (_, index) => keys[index]?.pakHash ?? randomHash());
  const rows = await server.asSuperuser(async (sql) => {
    const agents = await sql<{ id: string; pak_hash: string }[]>`
      insert into agents (name, cluster_name, status, pak_hash)
      select 'agent-' || ordinality, 'crowd', 'ACTIVE', pak_hash from unnest(${hashes}::text[]) with ordinality as key (pak_hash)
      returning id, pak_hash`;
    await sql`
      insert into agent_generator_registrations (agent_id, generator_id)
      select id, ${generator.id} from agents where cluster_name = 'crowd'`;
    await sql`insert into agent_labels (agent_id, label) select id, ${LABEL} from agents where cluster_name = 'crowd'`;
    await sql`insert into stack_labels (stack_id, label) values (${stackId}, ${LABEL})`;
    await sql`analyze`;
    return agents;
  }, database.database);
  const ids = new Map(rows.map(({ id, pak_hash }) => [pak_hash, id]));
  return { stackId, agents: keys.map(({ pak, pakHash }) => ({ pak, id: ids.get(pakHash) ?? "" })) };
}

/** Resolves when so many deliveries name the object. */
export async function untilSettled(
  { server, database, size }: Pick<CrowdOptions, "server" | "database" | "size">,
  objectId: string,
): Promise<void> {
  const count = () =>
    server.asSuperuser((sql) =>
      sql<{ count: number }[]>`
        select count(*)::int as count from deliveries where desired_object_id = ${objectId}`, database.database);
  while ((await count())[0]?.count !== size) await new Promise((resolve) => setTimeout(resolve, 50));
}

function randomHash(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
