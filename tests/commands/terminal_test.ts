import assert from "node:assert/strict";
import { readTask } from "../compile/task.ts";
import { AGENTS, CAUSES, delivery, STACK, submission, SUBMITTED } from "./answers.ts";

/** Of util-linux, on every Debian: it runs a command in a terminal of its own. */
const SCRIPT = "/usr/bin/script";
const hasScript = await Deno.stat(SCRIPT).then(() => true, () => false);
const ROOT = new URL("../../", import.meta.url).pathname;
/** Five lines up, and all below taken away. */
const REDRAWN = "␛[5A\r␛[J";
/** More than the frames that are waited for. */
const SHOWN_MAX = 3_000;
const CTRL_C = "\u0003";

Deno.test({
  name: "commands: in a real terminal --watch is redrawn within its window, in colours, and Ctrl-C ends it with 0",
  ignore: !hasScript,
  async fn() {
    await using broker = agentsOnly();
    await using terminal = inTerminal("get agents --watch", { broker, columns: 40, rows: 6 });

    await terminal.until((text) => text.split(REDRAWN).length > 2);
    await terminal.type(CTRL_C);

    assert.equal(await terminal.ended, 0, terminal.text());
    const [, frame = ""] = terminal.text().split(REDRAWN);
    const lines = frame.replaceAll(/␛\[\d*m|\r/g, "").split("\n");
    assert.match(frame, /␛\[33mlate␛\[0m/);
    assert.deepEqual([lines.length, lines[0], lines[4]], [6, "NAME      CONNECTIVITY  SEEN  CLUSTER", "and 7 more"]);
    assert.ok(lines.every((line) => line.length <= 40), frame);
  },
});

Deno.test({
  name: "commands: in a real terminal without a size, and with NO_COLOR, there is a table without colours",
  ignore: !hasScript,
  async fn() {
    await using broker = agentsOnly();
    await using terminal = inTerminal("get agents", { broker, env: { NO_COLOR: "1" } });

    assert.equal(await terminal.ended, 0, terminal.text());
    assert.match(terminal.text(), /berlin-1 +connected/);
    assert.doesNotMatch(terminal.text(), /␛\[\d+m/);
  },
});

/** What begins a frame: so many lines up, and all below taken away. */
const FRAME = /␛\[\d+A\r␛\[J/;
const APPLY = "apply --stack shop --wait healthy -f deno.json";

Deno.test({
  name:
    "commands: in a real terminal a wait is redrawn within its window, as that is at each drawing, and leaves its end",
  ignore: !hasScript,
  async fn() {
    await using broker = waitedFor(10);
    await using terminal = inTerminal(APPLY, { broker, columns: 60, rows: 7, says: "tty" });

    await terminal.until((text) => text.split(FRAME).length > 2);
    const [, tty = ""] = /^(\/dev\/\S+)/.exec(terminal.text()) ?? [];
    await resize(tty, 24);
    const before = terminal.text().length;
    await terminal.until((text) => text.slice(before).split(FRAME).length > 3);
    const narrow = framesOf(terminal.text().slice(before)).slice(1, -1);
    broker.arrive();

    assert.equal(await terminal.ended, 0, terminal.text());
    const [, first = []] = framesOf(terminal.text());
    assert.equal(first.length, 6);
    assert.match(first[0] ?? "", /^healthy with 0 of 10 agents \(\d+s\): stack "shop", subm/);
    assert.deepEqual([first[1], first.at(-1)], ["AGENT     STATE    HEALTH       WHY", "and 7 more"]);
    assert.ok(first.every((line) => line.length <= 60) && narrow.flat().every((line) => line.length <= 24));
    assert.ok(narrow.length > 0, terminal.text());
    assert.match(
      framesOf(terminal.text()).at(-1)?.join("\n") ?? "",
      /^Stack "shop", submission 42: healthy with 10 agents,/,
    );
  },
});

Deno.test({
  name: "commands: in a real terminal Ctrl-C ends a wait with 130, takes what was drawn away, and says what goes on",
  ignore: !hasScript,
  async fn() {
    await using broker = waitedFor(1);
    await using terminal = inTerminal(APPLY, { broker, columns: 80, rows: 10 });

    await terminal.until((text) => text.split(FRAME).length > 2);
    await terminal.type(CTRL_C);

    assert.equal(await terminal.ended, 130, terminal.text());
    assert.match(
      framesOf(terminal.text()).at(-1)?.join(" ") ?? "",
      /^Interrupted after \d+s: Stack "shop", submission 42: what was submitted goes on without this command; healthy /,
    );
  },
});

Deno.test({
  name: "commands: in a terminal that does not move its cursor a wait is written line by line",
  ignore: !hasScript,
  async fn() {
    await using broker = waitedFor(1);
    await using terminal = inTerminal(APPLY, { broker, columns: 80, rows: 10, env: { TERM: "dumb" } });

    await terminal.until((text) => text.includes("healthy with 0 of 1 agent"));
    broker.arrive();

    assert.equal(await terminal.ended, 0, terminal.text());
    const [, written = "␛"] = terminal.text().split(/(?=Stack "shop": )/); // what is before is Deno's, which loads it
    assert.doesNotMatch(written, /␛/);
    assert.match(terminal.text(), /healthy with 1 agent, after/);
  },
});

/** What was shown in one place, frame by frame, without colours; the first begins before any. */
function framesOf(text: string): readonly (readonly string[])[] {
  return text.replaceAll(/␛\[\d*m/g, "").split(FRAME).map((frame) => frame.replaceAll("\r", "").trimEnd().split("\n"));
}

async function resize(tty: string, columns: number): Promise<void> {
  const { success } = await new Deno.Command("stty", { args: ["-F", tty, "cols", String(columns)] }).output();
  assert.ok(success, tty);
}

/** A broker that takes a submission for so many agents, with which it is healthy once it has arrived. */
function waitedFor(agents: number) {
  let hasArrived = false;
  const counts = () => ({
    ...{ agents_desired: agents, agents_applied: agents, agents_failed: 0 },
    agents_healthy: hasArrived ? agents : 0,
  });
  const health = () => hasArrived ? "healthy" : "progressing";
  const deliveries = () =>
    Array.from({ length: agents }, (_, at) => delivery(at, `berlin-${at}`, { health: health(), healthy_at: null }));
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ method, url }) => {
    if (method === "POST") return Response.json(SUBMITTED, { status: 201 });
    if (url.includes("/history")) return Response.json([submission(counts())]);
    if (url.includes("/deliveries")) return Response.json(deliveries());
    return Response.json(url.includes("/causes") ? CAUSES : [STACK]);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    arrive: () => void (hasArrived = true),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Something that answers for a list of agents: ten, of which one is late. */
function agentsOnly() {
  const [well, late] = AGENTS;
  const agents = [late, ...Array.from({ length: 9 }, () => well)];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => Response.json(agents));
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

interface TerminalOptions {
  readonly broker: { readonly url: string };
  readonly columns?: number;
  readonly rows?: number;
  /** What is run before it in the terminal. */
  readonly says?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The program in a terminal, with the permissions of its task. */
function inTerminal(line: string, { broker, columns, rows, says, env = {} }: TerminalOptions) {
  const { args, env: taskEnv, entry } = readTask("broker");
  const size = columns === undefined ? "" : `stty cols ${columns} rows ${rows}; `;
  const before = says === undefined ? size : `${size}${says}; `;
  const command = [Deno.execPath(), ...args, entry, ...line.split(" ")].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command(SCRIPT, {
    args: ["--quiet", "--return", "--command", `${before}exec ${command}`, "/dev/null"],
    cwd: ROOT,
    env: { ...taskEnv, TERM: "xterm", NO_COLOR: "", BROKKR_URL: broker.url, BROKKR_PAK: "a-key", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  let text = "";
  let onText = () => {};
  const shown = () => text.replaceAll("\u001b", "␛");
  const reading = (async () => {
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += piece;
      onText();
    }
  })();
  const ended = reading.then(() => child.status).then(({ code }) => code);
  return {
    ended,
    /** With a visible escape character. */
    text: shown,
    type: (keys: string) => input.write(new TextEncoder().encode(keys)),
    /** Resolves when what is shown fulfils the claim; rejects when the program ends first. */
    until: (claim: (text: string) => boolean) =>
      new Promise<void>((resolve, reject) => {
        onText = () => {
          if (claim(shown())) resolve();
          else if (text.length > SHOWN_MAX) reject(new Error(`It shows something else:\n${shown()}`));
        };
        onText();
        ended.then((code) => reject(new Error(`It ended with ${code}:\n${text}`)));
      }),
    async [Symbol.asyncDispose]() {
      await input.close().catch(() => {});
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
      await ended;
    },
  };
}
