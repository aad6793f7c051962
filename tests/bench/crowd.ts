import { adminKey } from "../system/keys.ts";
import type { DatabaseAddress, PostgresServer } from "../postgres/postgres_server.ts";

/** An agent that the broker knows, without a program behind it. */
export interface CrowdAgent {
  readonly id: string;
  readonly pak: string;
}

/** Agents, and stacks that are theirs by labels. */
export interface Crowd {
  readonly agents: readonly CrowdAgent[];
  /** A stack that all agents get. */
  readonly everyones: string;
  /** Stacks of 50 agents each. */
  readonly groups: readonly string[];
}

/** Agents of one of the smaller stacks. */
const GROUP = 50;

/** Makes a crowd by SQL: thousands through the API would take longer than what is measured. */
export async function makeCrowd(server: PostgresServer, database: DatabaseAddress, size: number): Promise<Crowd> {
  const keys = await Promise.all(Array.from({ length: size }, () => adminKey()));
  const paks = new Map(keys.map(({ pak, pakHash }) => [pakHash, pak]));
  return await server.asSuperuser(async (sql) => {
    const [generator] = await sql<{ id: string }[]>`
      insert into generators (name, pak_hash) values ('crowd', ${(await adminKey()).pakHash}) returning id`;
    const rows = await sql<{ id: string; pak_hash: string }[]>`
      insert into agents (name, cluster_name, status, pak_hash)
      select 'agent-' || ordinality, 'crowd', 'ACTIVE', pak_hash
      from unnest(${[...paks.keys()]}::text[]) with ordinality as key (pak_hash)
      returning id, pak_hash`;
    await sql`insert into agent_generator_registrations (agent_id, generator_id) select id, ${
      generator?.id ?? ""
    } from agents`;
    await sql`insert into agent_labels (agent_id, label) select id, 'everyone' from agents`;
    await sql`
      insert into agent_labels (agent_id, label)
      select id, 'group-' || (row_number() over (order by id) - 1) / ${GROUP}::int from agents`;
    const names = ["everyone", ...Array.from({ length: Math.ceil(size / GROUP) }, (_, index) => `group-${index}`)];
    const stacks = await sql<{ id: string; name: string }[]>`
      insert into stacks (name, generator_id) select name, ${generator?.id ?? ""} from unnest(${names}::text[]) as name
      returning id, name`;
    await sql`insert into stack_labels (stack_id, label) select id, name from stacks where generator_id = ${
      generator?.id ?? ""
    }`;
    await sql`analyze`;
    return {
      agents: rows.map(({ id, pak_hash }) => ({ id, pak: paks.get(pak_hash) ?? "" })),
      everyones: stacks.find(({ name }) => name === "everyone")?.id ?? "",
      groups: stacks.filter(({ name }) => name !== "everyone").map(({ id }) => id),
    };
  }, database.database);
}

/** Resolves when so many deliveries name the object. */
export async function untilSettled(
  { server, database, size }: {
    readonly server: PostgresServer;
    readonly database: DatabaseAddress;
    readonly size: number;
  },
  objectId: string,
): Promise<void> {
  const count = () =>
    server.asSuperuser((sql) =>
      sql<{ count: number }[]>`
        select count(*)::int as count from deliveries where desired_object_id = ${objectId}`, database.database);
  while ((await count())[0]?.count !== size) await new Promise((resolve) => setTimeout(resolve, 50));
}
