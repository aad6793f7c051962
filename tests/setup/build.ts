import { fileURLToPath } from "node:url";
import {
  controlPlaneFolder,
  KUBERNETES_VERSION,
  KWOK_VERSION,
  kwokFolder,
  MULTI_CALL,
  PROGRAMS,
} from "../cluster/binaries.ts";
import { run, type Say, withRetries } from "./commands.ts";
import { findGo, goEnvironment } from "./go.ts";
import { once } from "./once.ts";

const MODULE = fileURLToPath(new URL("../cluster", import.meta.url));

/** Finds this checkout's control plane in the cache, or builds it there; answers where it is. */
export function setUpControlPlane(say: Say): Promise<string> {
  return once(controlPlaneFolder(), async (folder) => {
    const { program, version } = await findGo(say);
    const env = goEnvironment();
    say(`control plane: fetching the modules of Kubernetes ${KUBERNETES_VERSION} (Go ${version})`);
    const fetch = () => run({ program, args: ["list", "-deps", "."], cwd: MODULE, env });
    await withRetries("control plane: fetching", say, fetch);
    say("control plane: building (about 5 minutes on two cores the first time)");
    const output = `${folder}/${MULTI_CALL}`;
    await run({
      program,
      args: ["build", "-trimpath", "-ldflags", linkerFlags(), "-o", output, "."],
      cwd: MODULE,
      env,
    });
    for (const name of PROGRAMS) await Deno.symlink(MULTI_CALL, `${folder}/${name}`);
  });
}

/** Finds kwok in the cache, or builds it there; answers where it is. */
export function setUpKwok(say: Say): Promise<string> {
  return once(kwokFolder(), async (folder) => {
    const { program, version } = await findGo(say);
    say(`kwok: fetching and building ${KWOK_VERSION} (Go ${version}; about 2 minutes the first time)`);
    const args = ["install", "-trimpath", "-ldflags", "-s -w", `sigs.k8s.io/kwok/cmd/kwok@v${KWOK_VERSION}`];
    const install = () => run({ program, args, cwd: folder, env: { ...goEnvironment(), GOBIN: folder } });
    await withRetries("kwok: fetching and building", say, install);
  });
}

/** What `kubectl version` and `/version` say. */
function linkerFlags(): string {
  const [major, minor] = KUBERNETES_VERSION.split(".");
  const values = { gitVersion: `v${KUBERNETES_VERSION}`, gitMajor: major, gitMinor: minor };
  const settings = Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return `-s -w ${settings.join(" ")}`;
}
