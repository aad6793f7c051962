import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../fakes/listening_program.ts", import.meta.url));
const FILES_MAX = 100;
const WORDS = ["run", "--no-check", "--node-modules-dir=none", "--allow-net", PROGRAM];

/** The program with few files; its lines so far grow while it runs. */
function start() {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", `ulimit -n ${FILES_MAX}; exec "$0" "$@"`, Deno.execPath(), ...WORDS],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines: string[] = [];
  const reading = (async () => {
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      lines.push(...piece.split("\n").filter((line) => line !== ""));
    }
  })();
  return {
    lines,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([child.status, reading]);
    },
  };
}

async function until<Result>(find: () => Result | undefined | Promise<Result | undefined>): Promise<Result> {
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("listen() listens again when more connections than the process may have files have ended it", async () => {
  await using program = start();
  const { lines } = program;
  const port = Number(await until(() => lines[0]));

  const crowd: Deno.Conn[] = [];
  await until(async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
    if (connection !== undefined) crowd.push(connection);
    return lines.includes("the listener has ended") ? true : undefined;
  });
  crowd.forEach((connection) => connection.close());

  const answer = await until(() => fetch(`http://127.0.0.1:${port}/`).catch(() => undefined));
  assert.equal(await answer.text(), "here");
  assert.ok(lines.includes("listening again"));
});
