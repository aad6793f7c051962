import assert from "node:assert/strict";
import { COMMANDS as AGENT_COMMANDS, START } from "../../agent/commands/mod.ts";
import { AGENT_SETTINGS } from "../../agent/settings.ts";
import { COMMANDS as BROKER_COMMANDS, SERVE } from "../../broker/commands/mod.ts";
import { SETTINGS } from "../../broker/settings.ts";
import project from "../../deno.json" with { type: "json" };
import { type CommandDeclaration, type Setting, variableOf } from "$lib/settings.ts";
import { type ProgramName, readTask } from "../compile/task.ts";
import { longTest } from "../run/parts.ts";
import { copiedFrom, pairsOf, readDockerfile, type Stage, textsOf } from "./dockerfile.ts";

/**
 * There is no builder of images where the tests run, and no internet: what is checked is everything up to the images
 * that are taken from elsewhere. Their tags name a version; a digest can't be looked up here.
 */
const ROOT = new URL("../../", import.meta.url).pathname;

interface Image {
  readonly name: ProgramName;
  readonly work: CommandDeclaration;
  readonly commands: readonly CommandDeclaration[];
  readonly settings: readonly Setting[];
  /** Where it listens, by its defaults. */
  readonly port: string;
}

const IMAGES: readonly Image[] = [
  {
    ...{ name: "broker", work: SERVE, commands: BROKER_COMMANDS, settings: SETTINGS },
    port: defaultOf(SETTINGS, "broker.listen").replace(/.*:/, ""),
  },
  {
    ...{ name: "agent", work: START, commands: AGENT_COMMANDS, settings: AGENT_SETTINGS },
    port: defaultOf(AGENT_SETTINGS, "agent.health_port"),
  },
];

function defaultOf(settings: readonly Setting[], key: string): string {
  return String(settings.find((setting) => setting.key === key)?.default);
}

async function stagesOf({ name }: Image): Promise<readonly [Stage, Stage]> {
  const [build, final, ...others] = readDockerfile(await Deno.readTextFile(`${ROOT}${name}/Dockerfile`));
  assert.ok(build !== undefined && final !== undefined && others.length === 0);
  return [build, final];
}

for (const image of IMAGES) {
  const { name, work, commands, settings, port } = image;
  const program = `/usr/local/bin/brokkr-${name}`;

  Deno.test(`${name}/Dockerfile: what is built with is pinned to the Deno that README names; what runs is nothing else`, async () => {
    const [build, final] = await stagesOf(image);
    const [, deno] = /npx -y deno@(\S+) task test/.exec(await Deno.readTextFile(`${ROOT}README.md`)) ?? [];

    assert.equal(build.image, `denoland/deno:debian-${deno}`);
    assert.equal(final.image, "scratch");
    const data = "--from=build --chown=10001:10001 /source/data/ /data/";
    assert.deepEqual(textsOf(final, "COPY"), ["--from=build /source/root/ /", ...(name === "broker" ? [data] : [])]);
    assert.deepEqual(textsOf(final, "RUN"), []);
  });

  Deno.test(`${name}/Dockerfile: the program runs as nobody in particular, at its port, and asks itself for its health`, async () => {
    const [, final] = await stagesOf(image);
    const [health = ""] = textsOf(final, "HEALTHCHECK").map((text) => text.replace(/.*CMD /, ""));
    const [healthProgram, ...healthWords] = JSON.parse(health);

    assert.deepEqual(textsOf(final, "USER"), ["10001:10001"]);
    assert.deepEqual(textsOf(final, "EXPOSE"), [port]);
    assert.deepEqual(textsOf(final, "ENTRYPOINT").map((text) => JSON.parse(text)), [[program]]);
    assert.deepEqual(textsOf(final, "CMD").map((text) => JSON.parse(text)), [[work.words]]);
    assert.equal(healthProgram, program);
    assert.ok(commands.some(({ words }) => words === healthWords.join(" ")), health);
  });

  Deno.test(`${name}/Dockerfile: labels and variables say what is true`, async () => {
    const [, final] = await stagesOf(image);
    const labels = pairsOf(final, "LABEL");
    const variables = pairsOf(final, "ENV");

    assert.equal(labels.get("org.opencontainers.image.title"), `brokkr-${name}`);
    assert.equal(labels.get("org.opencontainers.image.version"), "$VERSION");
    assert.equal(labels.get("org.opencontainers.image.revision"), "$REVISION");
    assert.equal(labels.get("org.opencontainers.image.licenses"), project.license);
    assert.equal(variables.get("DENO_TLS_CA_STORE"), readTask(name).env.DENO_TLS_CA_STORE);
    assert.equal(variables.get("DENO_USE_CGROUPS"), "1", "a compiled program passes over DENO_V8_FLAGS");
    const known = settings.map(({ key }) => variableOf(key));
    assert.deepEqual([...variables.keys()].filter((key) => key.startsWith("BROKKR_") && !known.includes(key)), []);
  });

  Deno.test(`${name}/Dockerfile: packages are a layer of their own, and none but those of deno.lock`, async () => {
    const [build] = await stagesOf(image);
    const [first, second] = build.instructions.filter(({ name }) => name === "COPY" || name === "RUN");

    assert.deepEqual([first?.text, second?.text], [
      "deno.json deno.lock ./",
      "deno install --frozen --node-modules-dir=none",
    ]);
  });

  longTest(`${name}/Dockerfile: what it copies is enough to build, and the image holds every library`, async () => {
    const [build] = await stagesOf(image);
    const source = await Deno.makeTempDir({ prefix: "brokkr-image-" });
    try {
      for (const path of copiedFrom(build)) await copyContext(path, source);
      for (const line of textsOf(build, "RUN")) await runInBuild(line, source);

      const [guard = ""] = textsOf(build, "RUN").filter((line) => line.includes("$VERSION"));
      await assert.rejects(runInBuild(guard, source, "9.9.9"));
      const files = await filesBelow(`${source}/root`);
      assert.ok(files.includes(program));
      assert.deepEqual(
        (await librariesOf(`${source}/root${program}`)).filter((library) => !files.includes(library)),
        [],
      );
      assert.deepEqual(files.filter((path) => /\/(sh|bash|busybox|apt|dpkg)$/.test(path)), []);
    } finally {
      await Deno.remove(source, { recursive: true });
    }
  });
}

/** Copies what the context has of a path: .dockerignore shuts all out but what it names with a `!`, and the tests. */
async function copyContext(path: string, to: string): Promise<void> {
  const ignore = (await Deno.readTextFile(`${ROOT}.dockerignore`)).split("\n");
  assert.ok(ignore.includes("*") && ignore.includes(`!${path}`), `.dockerignore shuts out ${path}`);
  await run("sh", ["-c", `cd ${ROOT} && tar --create --exclude='*_test.ts' ${path} | tar --extract --directory ${to}`]);
}

/** One RUN of the build, in its folder, with this `deno` for the runtime that can't be had here. */
async function runInBuild(line: string, source: string, version = project.version): Promise<void> {
  const bin = `${source}/.bin`;
  await Deno.mkdir(bin, { recursive: true });
  await Deno.remove(`${bin}/deno`).catch(() => {});
  await Deno.symlink(Deno.execPath(), `${bin}/deno`);
  const env = {
    PATH: `${bin}:${Deno.env.get("PATH")}`,
    REVISION: "0123abc",
    VERSION: version,
    DENORT_BIN: Deno.execPath(),
  };
  await run("sh", ["-e", "-c", `cd ${source} && ${line}`], env);
}

async function librariesOf(program: string): Promise<string[]> {
  return [...(await run("ldd", [program])).matchAll(/(\/\S+) \(/g)].map(([, path = ""]) => path);
}

async function filesBelow(folder: string): Promise<string[]> {
  return (await run("find", [folder, "!", "-type", "d"])).trim().split("\n").map((path) => path.slice(folder.length));
}

async function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args], env }).output();
  const said = new TextDecoder().decode(stdout);
  assert.equal(code, 0, `${program} ${args.join(" ")}\n${said}${new TextDecoder().decode(stderr)}`);
  return said;
}
