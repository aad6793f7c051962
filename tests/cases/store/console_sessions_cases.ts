import assert from "node:assert/strict";
import type { StoreCase, StoreWorld } from "./store_world.ts";

/** What the table `console_sessions` must do: who is signed in, for how long. */
export const consoleSessionsCases: readonly StoreCase[] = [
  {
    claim: "a session of the console is found by its hash until 12 h after it began, or 2 h after it was used",
    async run(world) {
      const [fresh, old, idle] = [await signedIn(world), await signedIn(world), await signedIn(world)];
      await begun(world, old, "12 hours");
      await used(world, idle, "2 hours");

      assert.deepEqual(await found(world, [fresh, old, idle]), [true, false, false]);
      assert.equal(await world.store.consoleSessions.purge(10), 2);
      assert.deepEqual(await found(world, [fresh]), [true]);
    },
  },
  {
    claim: "a person's look is use of a session, a page that refreshes itself is none",
    async run(world) {
      const hash = await signedIn(world);
      await used(world, hash, "1 hour");

      await world.store.consoleSessions.find(hash, { isUsed: false });
      const before = await usedAt(world, hash);
      await world.store.consoleSessions.find(hash, { isUsed: true });
      const after = await usedAt(world, hash);

      assert.ok(after.getTime() - before.getTime() > 59 * 60_000);
    },
  },
  {
    claim: "a session of the console ends with the key of whoever signed in, and with themselves",
    async run(world) {
      const [agent, generator] = [await world.agent(), await world.generator()];
      const key = { pakHash: world.hash(), keepsFormer: true };
      const ofAgent = { role: "agent", id: agent.id } as const;
      const ofGenerator = { role: "generator", id: generator.id } as const;
      const [rotated, other] = [await signedIn(world, ofAgent), await signedIn(world, ofGenerator)];

      await world.store.agents.changePak(agent.id, key);
      const [again, stays] = [await signedIn(world, ofAgent), await found(world, [rotated, other])];
      await world.store.agents.remove(agent.id);
      await world.store.generators.remove(generator.id);

      assert.deepEqual(stays, [false, true]);
      assert.deepEqual(await found(world, [again, other]), [false, false]);
    },
  },
  {
    claim: "a hundred sessions of one owner are kept, the newest ones",
    async run(world) {
      const owner = { role: "agent", id: crypto.randomUUID() } as const;
      const hashes: string[] = [];
      for (let count = 0; count < 101; count += 1) hashes.push(await signedIn(world, owner));

      const kept = await found(world, hashes);

      assert.deepEqual([kept[0], kept.filter((isKept) => isKept).length], [false, 100]);
    },
  },
];

async function signedIn(
  world: StoreWorld,
  owner: { readonly role: "admin" | "agent" | "generator"; readonly id: string } = {
    role: "admin",
    id: crypto.randomUUID(),
  },
): Promise<string> {
  const tokenHash = world.hash();
  await world.store.consoleSessions.add({ tokenHash, owner, pakHash: world.hash(), csrfSecret: "secret" });
  return tokenHash;
}

async function found(world: StoreWorld, hashes: readonly string[]): Promise<readonly boolean[]> {
  const sessions = await Promise.all(hashes.map((hash) => world.store.consoleSessions.find(hash, { isUsed: false })));
  return sessions.map((session) => session !== undefined);
}

async function begun({ database: { sql } }: StoreWorld, hash: string, ago: string): Promise<void> {
  await sql`update console_sessions set created_at = now() - ${ago}::interval where token_hash = ${hash}`;
}

async function used({ database: { sql } }: StoreWorld, hash: string, ago: string): Promise<void> {
  await sql`update console_sessions set used_at = now() - ${ago}::interval where token_hash = ${hash}`;
}

async function usedAt({ database: { sql } }: StoreWorld, hash: string): Promise<Date> {
  const [row] = await sql<{ used_at: Date }>`select used_at from console_sessions where token_hash = ${hash}`;
  return row?.used_at ?? new Date(0);
}
