import { COLLECTOR_VERSION, collectorFolder, MODULE, PROGRAM } from "../collector/binaries.ts";
import { run, type Say, withRetries } from "./commands.ts";
import { findGo, goEnvironment } from "./go.ts";
import { once } from "./once.ts";

/** Finds this checkout's OpenTelemetry Collector in the cache, or builds it there; answers where it is. */
export function setUpCollector(say: Say): Promise<string> {
  return once(collectorFolder(), async (folder) => {
    const { program, version } = await findGo(say);
    const go = (...args: string[]) => run({ program, args, cwd: MODULE, env: goEnvironment() });
    say(`OpenTelemetry Collector: fetching the modules of ${COLLECTOR_VERSION} (Go ${version})`);
    await withRetries("OpenTelemetry Collector: fetching", say, () => go("list", "-deps", "."));
    say("OpenTelemetry Collector: building (about 4 minutes on two cores the first time)");
    await go("build", "-trimpath", "-ldflags", "-s -w", "-o", `${folder}/${PROGRAM}`, ".");
  });
}
