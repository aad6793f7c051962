import { pgBouncerFolder } from "../pgbouncer/binaries.ts";
import { openApt } from "./apt.ts";
import { run, type Say } from "./commands.ts";
import { once } from "./once.ts";

/** What the program wants of libraries that a machine with a PostgreSQL server need not have. */
const LIBRARIES = /^(libc-ares2|libevent-2\.1-7)(t64)?$/;

/**
 * Finds PgBouncer in the cache, or puts Debian's there; answers where it is. The packages are unpacked, not installed:
 * installed, they would start a service.
 */
export function setUpPgBouncer(say: Say): Promise<string> {
  return once(pgBouncerFolder(), async (folder) => {
    const apt = openApt(say);
    await apt.update();
    say(`PgBouncer: fetching ${await apt.candidate("pgbouncer") ?? "none"}`);
    const libraries = (await apt.search("^(libc-ares2|libevent-2.1-7)(t64)?$")).filter((name) => LIBRARIES.test(name));
    await apt.unpack(["pgbouncer", ...libraries], `${folder}/package`);
    await Deno.rename(`${folder}/package/usr/sbin/pgbouncer`, `${folder}/pgbouncer`);
    await Deno.mkdir(`${folder}/lib`);
    await run({ program: "sh", args: ["-c", "cp -P package/usr/lib/*/*.so* lib/"], cwd: folder });
    await Deno.remove(`${folder}/package`, { recursive: true });
  });
}
