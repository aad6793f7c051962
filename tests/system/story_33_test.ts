import assert from "node:assert/strict";
import { stablePort } from "../cluster/ports.ts";
import { configMap } from "./bundles.ts";
import type { Program, Settings } from "./programs.ts";
import { LIGHT, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const SIGNALS = ["logs", "metrics", "traces"] as const;
/** What is sent while work goes on: a broker writes no line of its log for it. */
const GOING_ON = { broker: ["metrics", "traces"], agent: SIGNALS } as const;
const KEY = "hush-hush-receiver";

story(
  "33: a receiver that is dead, slow, redirecting or lying harms no delivery and no page, and gets no secret",
  LIGHT,
  async (parts) => {
    await using elsewhere = listen(() => new Response());
    await using receiver = receiverWithFaults(`${elsewhere.url}/taken`);
    const settings: Settings = {
      ...{ OTLP__ENDPOINT: receiver.url, OTLP__LOGS: "true", TRACING__SAMPLE_RATIO: "1" },
      ...{ OTLP__HEADERS: `api-key=${KEY}`, OTLP__METRICS_INTERVAL_SECONDS: "1", OTLP__TIMEOUT_SECONDS: "1" },
    };
    await using world = await openWorld({ parts, brokerSettings: settings, agentSettings: settings });
    const { broker, agent } = world;
    const stack = await world.addStack("web");
    const works = (value: string) => mustWork(world, stack, value);

    await works("dead");
    await eventually(
      "both have said that nothing can be sent",
      () => [broker, agent].every((program) => failuresOf(program).length === SIGNALS.length),
    );
    for (const { output } of [broker, agent]) assert.match(output(), /telemetry can't be sent.*Connection refused/);
    receiver.open();
    for (const fault of ["silent", "redirecting", "refusing", "throttling"] as const) {
      receiver.be(fault);
      await works(fault);
      await eventually(`both have met one that is ${fault}`, receiver.hasMetAll);
    }
    const said = [broker, agent].map(failuresOf);
    receiver.be("lying");
    await works("lying");
    await eventually(
      "its success is believed, whatever else it says",
      () => isSentAgain(broker, GOING_ON.broker) && isSentAgain(agent, GOING_ON.agent),
    );
    receiver.be("silent");
    await works("silent when they stop");
    await eventually("both have met it once more", receiver.hasMetAll);

    assert.deepEqual(said, [SIGNALS, SIGNALS]);
    assert.deepEqual([await agent.stop(), await broker.stop()], [0, 0]);
    assert.deepEqual(elsewhere.asked, []);
    for (const program of [broker, agent]) assert.doesNotMatch(program.output(), new RegExp(KEY));
  },
);

type Fault = "silent" | "redirecting" | "refusing" | "throttling" | "lying";

/** What is submitted is applied, and both pages are there. */
async function mustWork(world: World, stack: string, value: string): Promise<void> {
  await world.untilApplied(await world.submit(stack, configMap("page", { value })));
  for (const { url } of [world.broker, world.agent]) {
    const page = await (await fetch(`${url}/metrics`)).text();
    assert.match(page, /^brokkr_telemetry_exports_total\{signal="metrics",result="failed"\} \d+$/m);
  }
}

/** The signals of which a program has said that they can't be sent, each time that it has. */
function failuresOf(program: Program): readonly string[] {
  return signalsIn(program, "telemetry can't be sent");
}

function isSentAgain(program: Program, signals: readonly string[]): boolean {
  const again = signalsIn(program, "telemetry is sent again");
  return signals.every((signal) => again.includes(signal));
}

function signalsIn(program: Program, words: string): readonly string[] {
  const lines = program.output().split("\n").filter((line) => line.includes(words));
  return lines.map((line) => SIGNALS.find((signal) => line.includes(signal)) ?? line).sort();
}

type Answer = () => Response | Promise<Response>;

/** A server of this machine, and which program asked it for what. */
function listen(answer: Answer, port = 0) {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const program = request.headers.get("user-agent")?.split("/")[0];
    asked.push(`${program} ${new URL(request.url).pathname}`);
    await request.arrayBuffer();
    return await answer();
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { asked, url, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A receiver that is dead until it is opened, and has then one fault after the other. */
function receiverWithFaults(elsewhere: string) {
  const port = stablePort();
  const ended = Promise.withResolvers<Response>();
  const nonsense = new TextEncoder().encode("this is no protobuf ".repeat(1_000));
  const answers: Readonly<Record<Fault, Answer>> = {
    silent: () => ended.promise,
    redirecting: () => new Response(null, { status: 307, headers: { location: elsewhere } }),
    refusing: () => new Response(null, { status: 403 }),
    throttling: () => new Response(null, { status: 429, headers: { "retry-after": "3600" } }),
    lying: () => new Response(nonsense, { headers: { "content-type": "application/x-protobuf" } }),
  };
  const expected = Object.entries(GOING_ON).flatMap(([program, signals]) =>
    signals.map((signal) => `brokkr-${program} /v1/${signal}`)
  );
  let fault: Fault = "silent";
  let server: ReturnType<typeof listen> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    open(): void {
      server = listen(() => answers[fault](), port);
    },
    be(next: Fault): void {
      fault = next;
      server?.asked.splice(0);
    },
    /** Whether all that is sent while work goes on has come since. */
    hasMetAll: () => expected.every((one) => server?.asked.includes(one)),
    async [Symbol.asyncDispose]() {
      ended.resolve(new Response());
      await server?.[Symbol.asyncDispose]();
    },
  };
}
