import { MODULE, PROGRAM, yamlOracleFolder } from "../yaml_oracle/binaries.ts";
import { run, type Say, withRetries } from "./commands.ts";
import { findGo, goEnvironment } from "./go.ts";
import { once } from "./once.ts";

/** Finds the YAML oracle in the cache, or builds it there; answers where it is. */
export function setUpYamlOracle(say: Say): Promise<string> {
  return once(yamlOracleFolder(), async (folder) => {
    const { program, version } = await findGo(say);
    const go = (...args: string[]) => run({ program, args, cwd: MODULE, env: goEnvironment() });
    say(`YAML oracle: fetching and building (Go ${version}; some seconds)`);
    await withRetries("YAML oracle: fetching", say, () => go("list", "-deps", "."));
    await go("build", "-trimpath", "-ldflags", "-s -w", "-o", `${folder}/${PROGRAM}`, ".");
  });
}
