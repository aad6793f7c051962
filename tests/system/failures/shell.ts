import assert from "node:assert/strict";
import { type ProgramName, readTask } from "../../compile/task.ts";
import { helmFolder } from "../../helm/helm.ts";
import type { World } from "../world.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** A person's shell, in a folder of its own: both programs and kubectl, for the broker as admin and for the cluster. */
export interface Shell extends AsyncDisposable {
  /** Carries out a command, with this text in `bundle.yaml`; fails the test unless it succeeds. */
  run(command: string, bundle?: string): Promise<string>;
}

/** Opens a shell in a world. */
export async function openShell(world: World): Promise<Shell> {
  const home = await Deno.makeTempDir({ prefix: "brokkr-shell-" });
  for (const program of ["broker", "agent"] as const) {
    await Deno.writeTextFile(`${home}/brokkr-${program}`, script(program), { mode: 0o755 });
  }
  if (world.servers.simulated !== undefined) await Deno.writeTextFile(`${home}/kubectl`, JSON_KUBECTL, { mode: 0o755 });
  const env = {
    ...{ HOME: home, DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno` },
    PATH: [home, helmFolder(), Deno.env.get("PATH")].join(":"),
    KUBECONFIG: world.cluster.kubeconfigPath,
    KUBE_EDITOR: `sed -i '0,/: "0"$/s//: "10"/'`, // whoever edits a quota raises it
    ...{ BROKKR_URL: world.broker.url, BROKKR_PAK: world.adminPak },
    ...{ BROKKR__AGENT__BROKER_URL: world.broker.url, BROKKR__AGENT__PAK: world.agentPak },
    ...{ BROKKR__AGENT__AGENT_NAME: "agent", BROKKR__AGENT__CLUSTER_NAME: "cluster" },
    BROKKR__AGENT__KUBECONFIG_PATH: world.cluster.kubeconfigPath,
  };
  return {
    async run(command, bundle) {
      const cwd = await Deno.makeTempDir({ dir: home });
      if (bundle !== undefined) await Deno.writeTextFile(`${cwd}/bundle.yaml`, bundle);
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        args: ["-c", command],
        ...{ cwd, clearEnv: true, env, stdin: "null" },
      }).output();
      const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
      assert.equal(code, 0, `${command}\n${said}`);
      return said;
    },
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

/**
 * A simulated cluster reads JSON alone, which kubectl sends of what it is told to read, and has no schemas to check by.
 */
const JSON_KUBECTL = `#!/bin/sh
if [ "$1 $2" = "create namespace" ]; then
  echo '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"'"$3"'"}}' | ${helmFolder()}/kubectl create --validate=false -f -
elif [ "$1" = "edit" ]; then
  exec ${helmFolder()}/kubectl "$@" --validate=false
else
  exec ${helmFolder()}/kubectl "$@"
fi
`;

function script(name: ProgramName): string {
  const { env, args, entry } = readTask(name);
  const variables = Object.entries(env).map(([variable, value]) => `${variable}=${value}`).join(" ");
  return `#!/bin/sh\nexec env ${variables} ${Deno.execPath()} ${args.join(" ")} ${ROOT}${entry} "$@"\n`;
}
