import { z } from "zod";
import { ALERTMANAGER_VERSION, alertmanagerFolder, PROGRAM } from "../alertmanager/binaries.ts";
import { run, type Say, withRetries } from "./commands.ts";
import { findGo, goEnvironment } from "./go.ts";
import { once } from "./once.ts";

const MODULE = `github.com/prometheus/alertmanager@v${ALERTMANAGER_VERSION}`;
/** Its pages are made by a tool for browsers and are not in the module; it is built with an empty one. */
const PAGES = "ui/app/dist";

const Downloaded = z.object({ Dir: z.string() });

/** Finds Alertmanager in the cache, or builds it there; answers where it is. */
export function setUpAlertmanager(say: Say): Promise<string> {
  return once(alertmanagerFolder(), async (folder) => {
    const { program, version } = await findGo(say);
    const source = { cwd: `${folder}/source`, env: goEnvironment() };
    const go = (...args: string[]) => run({ program, args, ...source });
    say(`Alertmanager: fetching the modules of ${ALERTMANAGER_VERSION} (Go ${version})`);
    await Deno.mkdir(source.cwd);
    const { Dir } = Downloaded.parse(JSON.parse(
      await withRetries("Alertmanager: fetching", say, () => go("mod", "download", "-json", MODULE)),
    ));
    await run({ program: "cp", args: ["-r", "--no-preserve=mode", `${Dir}/.`, source.cwd] });
    await Deno.mkdir(`${source.cwd}/${PAGES}`, { recursive: true });
    await Deno.writeTextFile(`${source.cwd}/${PAGES}/index.html`, "");
    await withRetries("Alertmanager: fetching", say, () => go("list", "-deps", "./cmd/alertmanager"));
    say("Alertmanager: building (about a minute on two cores the first time)");
    await go("build", "-trimpath", "-ldflags", "-s -w", "-o", `${folder}/${PROGRAM}`, "./cmd/alertmanager");
    await Deno.remove(source.cwd, { recursive: true });
  });
}
