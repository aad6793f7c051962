import assert from "node:assert/strict";
import { z } from "zod";
import { readDockerfile, textsOf } from "./dockerfile.ts";

/**
 * No builder of images runs where the tests run: what is checked is that everything that `docker-bake.json` names is
 * there and fits.
 */
const ROOT = new URL("../../", import.meta.url).pathname;
const PROGRAMS = ["broker", "agent"];

/** As much of what `docker buildx bake` reads as there is. */
const Bake = z.strictObject({
  variable: z.record(z.string(), z.strictObject({ default: z.string() })),
  group: z.strictObject({ default: z.strictObject({ targets: z.array(z.string()) }) }),
  target: z.record(
    z.string(),
    z.strictObject({
      name: z.string(),
      matrix: z.strictObject({ program: z.array(z.string()) }),
      context: z.literal("."),
      dockerfile: z.string(),
      args: z.record(z.string(), z.string()),
      tags: z.array(z.string()),
      platforms: z.array(z.string()),
      attest: z.array(z.string()),
    }),
  ),
});

async function bake(): Promise<z.infer<typeof Bake>> {
  return Bake.parse(JSON.parse(await Deno.readTextFile(`${ROOT}docker-bake.json`)));
}

Deno.test("docker-bake.json: both programs are built for two architectures, with what is in them and how they were made", async () => {
  const { group, target } = await bake();

  assert.deepEqual(group.default.targets, Object.keys(target));
  const { matrix, platforms, attest, name } = target.image ?? assert.fail("there is no target image");
  assert.deepEqual([matrix.program, name], [PROGRAMS, "${program}"]);
  assert.deepEqual(platforms, ["linux/amd64", "linux/arm64"]);
  assert.deepEqual(attest, ["type=sbom", "type=provenance,mode=max"]);
});

Deno.test("docker-bake.json: every variable is there, and every argument is one that each Dockerfile takes", async () => {
  const { variable, target } = await bake();
  const text = JSON.stringify(target);

  const used = new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => name));
  assert.deepEqual([...used].filter((name) => name !== "program").sort(), Object.keys(variable).sort());
  for (const program of PROGRAMS) {
    const dockerfile = await Deno.readTextFile(`${ROOT}${target.image?.dockerfile.replace("${program}", program)}`);
    for (const name of Object.keys(target.image?.args ?? {})) {
      assert.match(dockerfile, new RegExp(`^ARG ${name}=`, "m"));
    }
    const [build] = readDockerfile(dockerfile);
    assert.equal(build?.image, variable.DENO_IMAGE?.default);
    assert.ok(build !== undefined && textsOf(build, "ARG").length > 0);
  }
});
