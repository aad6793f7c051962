import { PROMETHEUS_3_VERSION, prometheusFolder, SOURCES } from "../prometheus/binaries.ts";
import { openApt } from "./apt.ts";
import { run, type Say, withRetries } from "./commands.ts";
import { findGo, goEnvironment } from "./go.ts";
import { once } from "./once.ts";

const PROGRAMS = ["prometheus", "promtool"];
const MODULE = "github.com/prometheus/prometheus";

/**
 * Finds Prometheus 2 in the cache, or puts Debian's programs there; answers where it is. The package is unpacked, not
 * installed: installed, it would start a service of its own.
 */
export function setUpPrometheus2(say: Say): Promise<string> {
  return once(prometheusFolder(2), async (folder) => {
    const apt = openApt(say);
    await apt.update();
    const candidate = await apt.candidate("prometheus");
    if (!candidate?.startsWith("2.")) {
      throw new Error(`Cannot get Prometheus 2: this machine's packages have ${candidate ?? "none"}`);
    }
    say(`Prometheus 2: fetching ${candidate}`);
    await apt.unpack(["prometheus"], `${folder}/package`);
    for (const name of PROGRAMS) await Deno.rename(`${folder}/package/usr/bin/${name}`, `${folder}/${name}`);
    await Deno.remove(`${folder}/package`, { recursive: true });
  });
}

/** Finds this checkout's Prometheus 3 in the cache, or builds it there; answers where it is. */
export function setUpPrometheus3(say: Say): Promise<string> {
  return once(prometheusFolder(3), async (folder) => {
    const { program, version } = await findGo(say);
    const source = { cwd: `${folder}/source`, env: goEnvironment() };
    say(`Prometheus 3: fetching the modules of ${PROMETHEUS_3_VERSION} (Go ${version})`);
    await copySources(source.cwd);
    await withRetries("Prometheus 3: fetching", say, () => run({ program, args: ["mod", "vendor"], ...source }));
    await Deno.rename(`${source.cwd}/plugins.go`, `${source.cwd}/vendor/${MODULE}/plugins/plugins.go`);
    say("Prometheus 3: building (about 2 minutes on two cores the first time)");
    const flags = `-s -w -X github.com/prometheus/common/version.Version=${PROMETHEUS_3_VERSION}`;
    const packages = PROGRAMS.map((name) => `${MODULE}/cmd/${name}`);
    await run({ program, args: ["build", "-trimpath", "-ldflags", flags, "-o", `${folder}/`, ...packages], ...source });
    await Deno.remove(source.cwd, { recursive: true });
  });
}

async function copySources(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  for (const name of SOURCES) {
    await Deno.copyFile(new URL(`../prometheus/${name}`, import.meta.url), `${folder}/${name}`);
  }
}
