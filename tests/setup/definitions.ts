import { delimiter, dirname } from "node:path";
import { DEFINITIONS, definitionsFolder, GATEWAY, MODULE, OPERATOR } from "../charts/crds/definitions.ts";
import { run, type Say, withRetries } from "./commands.ts";
import { findGo, goEnvironment } from "./go.ts";
import { once } from "./once.ts";

const GENERATOR = "sigs.k8s.io/controller-tools/cmd/controller-gen";

/**
 * Finds the custom resource definitions in the cache, or makes them there; answers where they are. The operator's are
 * generated from its types; the Gateway API's, whose group needs an approval that no generator writes, is copied.
 */
export function setUpDefinitions(say: Say): Promise<string> {
  return once(definitionsFolder(), async (folder) => {
    const { program, version } = await findGo(say);
    const go = (...args: string[]) => run({ program, args, cwd: MODULE, env: goEnvironment() });
    say(`custom resource definitions: fetching the modules (Go ${version})`);
    const fetch = () => go("list", "-deps", "./...", GENERATOR);
    await withRetries("custom resource definitions: fetching", say, fetch);
    say("custom resource definitions: building what generates them (about a minute on two cores the first time)");
    await go("build", "-o", `${folder}/controller-gen`, GENERATOR);
    await generate(folder, program);
    const gateway = (await go("list", "-m", "-f", "{{.Dir}}", GATEWAY)).trim();
    await Deno.copyFile(
      `${gateway}/config/crd/standard/${DEFINITIONS.HTTPRoute}`,
      `${folder}/${DEFINITIONS.HTTPRoute}`,
    );
    await removeAllBut(Object.values(DEFINITIONS), folder);
  });
}

/** The generator asks Go for the sources of the types, wherever Go is. */
async function generate(folder: string, go: string): Promise<void> {
  const path = [dirname(go), Deno.env.get("PATH") ?? ""].join(delimiter);
  const args = ["crd", `paths=${OPERATOR}/v1`, `output:crd:dir=${folder}`];
  await run({ program: `${folder}/controller-gen`, args, cwd: MODULE, env: { ...goEnvironment(), PATH: path } });
}

async function removeAllBut(kept: readonly string[], folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!kept.includes(name)) await Deno.remove(`${folder}/${name}`);
  }
}
