import { patternCheckerFolder, RECHECK_FILE, RECHECK_VERSION } from "../pattern_checker/checker.ts";
import type { Say } from "./commands.ts";
import { checkHash, fetchPackagedFile } from "./npm_package.ts";
import { once } from "./once.ts";

const SHA256 = "fd332e833abd002c9fc9e0b9d7a5282bbb33b0b5e81b06e7ff67c32bedca2fce";

/**
 * Finds the checker of patterns in the cache, or brings it there; answers where it is. It is no dependency of the
 * repository, because whoever only runs a program would then fetch 57 MB of other machines' programs with it.
 */
export function setUpPatternChecker(say: Say): Promise<string> {
  return once(patternCheckerFolder(), async (folder) => {
    say(`pattern checker: fetching recheck ${RECHECK_VERSION}`);
    const file = { pack: `recheck@${RECHECK_VERSION}`, path: `package/lib/${RECHECK_FILE}` };
    await fetchPackagedFile(folder, file, say);
    await Deno.rename(`${folder}/${file.path}`, `${folder}/${RECHECK_FILE}`);
    await Deno.remove(`${folder}/package`, { recursive: true });
    await checkHash(`${folder}/${RECHECK_FILE}`, SHA256);
  });
}
