import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { type Program, startCommand } from "./programs.ts";
import { LIGHT, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

story(
  "of the command line: a wait that is interrupted, loses its agent, its broker or its key says so in its last lines",
  LIGHT,
  async (parts) => {
    await using world = await openWorld({
      parts,
      startsAgent: false,
      brokerSettings: { AGENTS__LATE_AFTER_SECONDS: "3" },
    });
    await using waits = await waitsIn(world);

    const interrupted = await waits.start("1");
    Deno.kill(interrupted.pid, "SIGINT");
    const throughAway = await waits.start("2");
    await world.broker.stop();
    await eventually("it says that the broker is away", () => throughAway.output().includes("it is asked again"));
    await world.startBroker();
    await world.startAgent();
    const codes = [await interrupted.ended, await throughAway.ended];
    await world.agent.kill();
    const silent = await waits.start("3", "5s");
    codes.push(await silent.ended);
    const keyless = await waits.start("4");
    await world.admin.call("POST", `/generators/${world.generatorId}/rotate-pak`, { revoke: true });
    codes.push(await keyless.ended);

    const last = (wait: Program) => wait.output().trimEnd().split("\n").at(-1) ?? "";
    assert.deepEqual(codes, [130, 0, 2, 1], [interrupted, throughAway, silent, keyless].map(last).join("\n"));
    assert.match(
      last(interrupted),
      /^Interrupted after .*: what was submitted goes on without this command; healthy with 0 /,
    );
    assert.match(throughAway.output(), /it is asked again\n[^]*The broker answers again\n/);
    assert.match(last(throughAway), /: healthy with 1 agent, after \d+s$/);
    assert.match(
      silent.output(),
      /• Agent "agent" of cluster "cluster" has not been heard of for \d+ s[^]*\n {2}next: kubectl /,
    );
    assert.match(last(silent), /^Timed out after \d+s: .*: healthy with 0 of 1 agent$/);
    assert.match(
      last(keyless),
      /^Failed after .* \(see BROKKR_PAK or --pak-file\); what was submitted goes on without /,
    );
  },
);

/** Starts commands that submit something else each time and wait for it, and gives them once they do. */
async function waitsIn({ broker, generatorPak, agentId }: World) {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-waits-" });
  const pakFile = `${folder}/pak`;
  await Deno.writeTextFile(pakFile, `${generatorPak}\n`, { mode: 0o600 });
  const started = new AsyncDisposableStack();
  started.defer(() => Deno.remove(folder, { recursive: true }));
  return {
    async start(value: string, timeout = "2m"): Promise<Program> {
      const file = `${folder}/${value}.yaml`;
      await Deno.writeTextFile(file, configMap("web", { value }));
      const target = ["--stack", "web", "--create", "--target", `agent=${agentId}`];
      const words = ["apply", "-f", file, ...target, "--wait", "healthy", "--timeout", timeout];
      const wait = started.use(
        startCommand("broker", [...words, "--broker-url", broker.url, "--pak-file", pakFile], {}),
      );
      await eventually("it waits", () => /healthy with 0 of 1 agent/.test(wait.output()));
      return wait;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
