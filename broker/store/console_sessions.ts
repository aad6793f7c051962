import type { Caller } from "../domain/caller.ts";
import type { Handle } from "./handle.ts";

/** Somebody who is signed in to the console. */
export interface ConsoleSession {
  /** Of the key that they signed in with: they are whoever has it now. */
  readonly pakHash: string;
  /** What every form of theirs sends back. */
  readonly csrfSecret: string;
}

/** A session to keep. */
export interface NewConsoleSession extends ConsoleSession {
  /** The SHA-256, in hex, of what the cookie holds. */
  readonly tokenHash: string;
  readonly owner: Pick<Caller, "role" | "id">;
}

/** Sessions of the console: each ends after 12 h, after 2 h in which nobody used it, or with its key. */
export interface ConsoleSessionStore {
  /** Ends the oldest of an owner who has a hundred already. */
  add(session: NewConsoleSession): Promise<void>;
  /** @param options.isUsed Whether a person asks, rather than a page that refreshes itself. */
  find(tokenHash: string, options: { readonly isUsed: boolean }): Promise<ConsoleSession | undefined>;
  remove(tokenHash: string): Promise<void>;
  /** Deletes `max` of those that are over; returns how many. */
  purge(max: number): Promise<number>;
}

/** Beyond these somebody signs in by a script. */
const OF_OWNER_MAX = 100;

interface SessionRow {
  readonly pak_hash: string;
  readonly csrf_secret: string;
  readonly is_touched: boolean;
}

/** {@linkcode ConsoleSessionStore} over the table `console_sessions`. */
export function consoleSessionStore({ sql }: Handle): ConsoleSessionStore {
  return {
    async add({ tokenHash, owner: { role, id }, pakHash, csrfSecret }) {
      await sql`
        delete from console_sessions where id in (
          select id from console_sessions where role = ${role} and owner_id = ${id}
          order by created_at desc offset ${OF_OWNER_MAX - 1})`;
      await sql`
        insert into console_sessions (token_hash, role, owner_id, pak_hash, csrf_secret)
        values (${tokenHash}, ${role}, ${id}, ${pakHash}, ${csrfSecret})`;
    },
    async find(tokenHash, { isUsed }) {
      const [row] = await sql<SessionRow>`
        select pak_hash, csrf_secret, used_at > now() - interval '1 minute' as is_touched from console_sessions
        where token_hash = ${tokenHash}
          and created_at > now() - interval '12 hours' and used_at > now() - interval '2 hours'`;
      if (row === undefined) return undefined;
      if (isUsed && !row.is_touched) {
        await sql`update console_sessions set used_at = now(), updated_at = now() where token_hash = ${tokenHash}`;
      }
      return { pakHash: row.pak_hash, csrfSecret: row.csrf_secret };
    },
    async remove(tokenHash) {
      await sql`delete from console_sessions where token_hash = ${tokenHash}`;
    },
    async purge(max) {
      const rows = await sql`
        delete from console_sessions where id in (
          select id from console_sessions
          where created_at <= now() - interval '12 hours' or used_at <= now() - interval '2 hours' limit ${max})
        returning id`;
      return rows.length;
    },
  };
}
