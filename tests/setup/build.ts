import { fileURLToPath } from "node:url";
import {
  cacheFolder,
  controlPlaneFolder,
  KUBERNETES_VERSION,
  KWOK_VERSION,
  kwokFolder,
  MULTI_CALL,
  PROGRAMS,
} from "../cluster/binaries.ts";
import { run, type Say, withRetries } from "./commands.ts";
import { findGo, goEnvironment } from "./go.ts";

const DRAFT = ".draft-";
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

/** Wants the lock of `main.ts`. Fills a folder beside its place and moves it there when it is complete: whoever finds it finds all of it. */
async function once(folder: string, fill: (folder: string) => Promise<void>): Promise<string> {
  if (await isThere(folder)) return folder;
  await removeDrafts();
  const draft = await Deno.makeTempDir({ dir: cacheFolder(), prefix: DRAFT });
  try {
    await fill(draft);
    await Deno.chmod(draft, 0o755);
    await Deno.rename(draft, folder);
  } finally {
    if (await isThere(draft)) await Deno.remove(draft, { recursive: true });
  }
  return folder;
}

/** Drafts of a set-up that was killed: there is one set-up at a time, and it is us. */
async function removeDrafts(): Promise<void> {
  for await (const { name } of Deno.readDir(cacheFolder())) {
    if (name.startsWith(DRAFT)) await Deno.remove(`${cacheFolder()}/${name}`, { recursive: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
