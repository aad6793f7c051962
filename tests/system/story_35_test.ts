import assert from "node:assert/strict";
import { z } from "zod";
import { DeliveryDetails, StackCause } from "$lib/wire/delivery.ts";
import type { Finish, Scene, SeededFailure, ShownCause } from "./failures/failure.ts";
import { HELD, OF_THE_AGENT } from "./failures/held.ts";
import { REFUSED } from "./failures/refused.ts";
import { openShell, type Shell } from "./failures/shell.ts";
import { UNHEALTHY } from "./failures/unhealthy.ts";
import { StackSubmission } from "$lib/wire/stack.ts";
import { blocksOf, commandsOf } from "../pages/blocks.ts";
import { bundle, configMap } from "./bundles.ts";
import { type ConsoleVisitor, visitConsole, wordsOf } from "./console_visitor.ts";
import { SecretScanner } from "./secret_scanner.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const SIDE_BY_SIDE = [...REFUSED, ...UNHEALTHY, ...HELD];

story(
  `35: ${SIDE_BY_SIDE.length + OF_THE_AGENT.length} failures, each explained in one line with the command that ends it`,
  [["helm"], ["postgres", "nodes", "helm"]],
  async (parts) => {
    await using ended = new AsyncDisposableStack();
    const world = ended.use(await openWorld({ parts, agentSettings: { AGENT__TURNS_AT_ONCE: "32" } }));
    const shell = ended.use(await openShell(world));
    const scanner = new SecretScanner();
    const visitor = await visitConsole(world.broker.url, world.adminPak);
    const isPlayed = ({ isSimulated }: SeededFailure) => isSimulated !== true || world.servers.simulated !== undefined;
    const stage = (failure: SeededFailure) => play(failure, { world, shell, ended, scanner, visitor });

    const played = await Promise.allSettled(SIDE_BY_SIDE.filter(isPlayed).map(stage));
    for (const failure of OF_THE_AGENT.filter(isPlayed)) played.push(...await Promise.allSettled([stage(failure)]));
    if (world.servers.simulated !== undefined) await followPage({ world, shell, ended, scanner, visitor });

    const faults = played.flatMap((one) =>
      one.status === "rejected" ? [String(one.reason?.message ?? one.reason)] : []
    );
    assert.equal(faults.join("\n\n"), "");
    for (const [name, { url, output }] of Object.entries({ broker: world.broker, agent: world.agent })) {
      scanner.record(`the log of the ${name}`, output());
      await scanner.ask(`${url}/metrics`);
    }
    scanner.assertNoSecret();
  },
);

interface Stage {
  readonly world: World;
  readonly shell: Shell;
  readonly ended: AsyncDisposableStack;
  /** Every bundle brings a Secret, and nothing that is said of it has its value. */
  readonly scanner: SecretScanner;
  readonly visitor: ConsoleVisitor;
}

/** Makes it happen, reads why, does what that says, and sees it end. */
async function play(failure: SeededFailure, stage: Stage): Promise<void> {
  const { world, shell, visitor, scanner } = stage;
  const { name, code, says, next } = failure;
  const scene = await open(failure, stage);
  const finish: Finish | void = await failure.seed(scene);
  let seen = "";
  const { cause, last, page } = await eventually(`${name}: ${code} is the first cause, by API and page`, async () => {
    const last = await causesOf(scene);
    const page = await visitor.read(`/console/deliveries/${world.agentId}/${scene.stackId}`);
    const [words, [cause]] = [wordsOf(page), last];
    const isSaid = cause?.code === code && says.test(cause.text) && cause.next !== null &&
      words.includes(cause.text) && words.includes(cause.next);
    seen = `${JSON.stringify(last)}\n${words}`;
    return isSaid && { cause, last, page };
  }).catch((error) => assert.fail(`${error.message}\n${seen}`));
  const [ofStack] = await world.generator.send(z.array(StackCause), "GET", `/stacks/${scene.stackId}/causes`);

  assert.ok(!/[\n\r]/.test(cause.text) && cause.text.length < 600, cause.text);
  assert.deepEqual([ofStack?.code, ofStack?.agents], [code, 1], name);
  assert.ok(cause.next !== null && (next ?? /./).test(cause.next), `${name}: ${cause.next}`);
  scanner.record(`the console's page of ${name}`, page);
  scanner.record(`the causes of ${name}`, JSON.stringify([last, ofStack]));
  scanner.record(`the delivery of ${name}`, JSON.stringify(await detailsOf(scene)));
  const mended = failure.mended?.(scene);
  await shell.run(cause.next, mended === undefined ? undefined : withSecret(failure, mended, scanner));
  await finish?.();
  let left: readonly ShownCause[] = [];
  await eventually(`${name} is over`, async () => (left = await causesOf(scene)).length === 0)
    .catch((error) => assert.fail(`${error.message}\n${JSON.stringify(left)}`));
}

async function open(
  { name, isWithoutNamespace }: Pick<SeededFailure, "name" | "isWithoutNamespace">,
  { world, ended, scanner }: Pick<Stage, "world" | "ended" | "scanner">,
): Promise<Scene> {
  if (isWithoutNamespace !== true) await world.cluster.create("/api/v1/namespaces", { metadata: { name } });
  const stackId = await world.addStack(name);
  const whole = (text: string) => withSecret({ name, isWithoutNamespace }, text, scanner);
  const submit = async (text: string) => void await world.submit(stackId, whole(text));
  const scene: Scene = {
    ...{ world, ended, name, stackId, submit },
    async submitWorking(text) {
      const { id } = await world.submit(stackId, whole(text));
      await eventually(`${name} works`, async () => {
        const { applied, causes } = await detailsOf(scene);
        return applied?.id === id && causes.length === 0;
      });
    },
  };
  return scene;
}

/** The bundle with a Secret, where there is a namespace for it: each submission of a stack has it. */
function withSecret(
  { name, isWithoutNamespace }: Pick<SeededFailure, "name" | "isWithoutNamespace">,
  text: string,
  scanner: SecretScanner,
): string {
  if (isWithoutNamespace) return text;
  const value = scanner.addSecret(`the Secret of ${name}`, `hush-of-${name}`);
  return bundle(
    text,
    `apiVersion: v1\nkind: Secret\nmetadata: { name: hush, namespace: ${name} }\nstringData: { value: ${value} }\n`,
  );
}

/** Types what the page says, in the case that it shows. */
async function followPage(stage: Stage): Promise<void> {
  const blocks = await blocksOf("docs/content/how-to/find-out-why.md");
  const [explain = "", history = "", rollback = ""] = commandsOf(blocks);
  const shown = blocks.find(({ language }) => language === "text")?.text ?? "";
  const scene = await open({ name: "shop", isWithoutNamespace: true }, stage);
  await scene.submitWorking(configMap("web"));
  const [before] = await stage.world.admin.send(z.array(StackSubmission), "GET", `/stacks/${scene.stackId}/history`);
  await scene.submit(configMap("web", { namespace: "shop" }));
  await eventually("the page's case is there", async () => (await causesOf(scene))[0]?.code === "namespace_missing");

  const said = await stage.shell.run(explain);
  const past = await stage.shell.run(history);
  await stage.shell.run(rollback.replace("--to 1", `--to ${before?.sequence_id}`));

  assert.ok(withoutNumbers(said).startsWith(withoutNumbers(shown).trimEnd()), said);
  assert.match(past, new RegExp(`^${before?.sequence_id}\\b`, "m"));
  assert.deepEqual(await causesOf(scene), []);
}

/** Times and numbers of submissions are others each time. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/submission \d+/g, "submission N").replaceAll(/since [^;]{1,20};/g, "since then;");
}

async function causesOf(scene: Scene): Promise<readonly ShownCause[]> {
  return (await detailsOf(scene)).causes;
}

function detailsOf({ world: { admin, agentId }, stackId }: Scene): Promise<z.infer<typeof DeliveryDetails>> {
  return admin.send(DeliveryDetails, "GET", `/deliveries/${agentId}/${stackId}`);
}
