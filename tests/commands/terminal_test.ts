import assert from "node:assert/strict";
import { readTask } from "../compile/task.ts";
import { AGENTS } from "./answers.ts";

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
  readonly env?: Readonly<Record<string, string>>;
}

/** The program in a terminal, with the permissions of its task. */
function inTerminal(line: string, { broker, columns, rows, env = {} }: TerminalOptions) {
  const { args, env: taskEnv, entry } = readTask("broker");
  const size = columns === undefined ? "" : `stty cols ${columns} rows ${rows}; `;
  const command = [Deno.execPath(), ...args, entry, ...line.split(" ")].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command(SCRIPT, {
    args: ["--quiet", "--return", "--command", `${size}exec ${command}`, "/dev/null"],
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
