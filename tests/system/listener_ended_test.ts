import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { makeAuthority, tlsFiles } from "../fakes/certificates.ts";
import { testWith } from "../run/parts.ts";
import { waitFor } from "../run/wait.ts";

const PROGRAM = fileURLToPath(new URL("../fakes/listening_program.ts", import.meta.url));
const FILES_MAX = 100;
/**
 * More than it may have files, and fewer than the system keeps waiting: a connection beyond these would not be made.
 */
const CROWD_MAX = 3 * FILES_MAX;
const WORDS = ["run", "--no-check", "--node-modules-dir=none", "--allow-net", "--allow-read", PROGRAM];

/** The program with few files; its lines so far grow while it runs. */
function start(...args: readonly string[]) {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", `ulimit -n ${FILES_MAX}; exec "$0" "$@"`, Deno.execPath(), ...WORDS, ...args],
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

/** As long as it takes: of a listener over TLS it is half a minute where nothing else is busy. */
function until<Result>(find: () => Result | undefined | Promise<Result | undefined>): Promise<Result> {
  return waitFor(async () => await find(), { what: "go on", timeoutMs: 600_000, intervalMs: 20 });
}

/** Connects until its listener has ended for want of files, and hangs up. */
async function crowd(port: number, lines: readonly string[]): Promise<void> {
  const all: Deno.Conn[] = [];
  await until(async () => {
    if (all.length < CROWD_MAX) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
      if (connection !== undefined) all.push(connection);
    }
    return lines.includes("the listener has ended") ? true : undefined;
  });
  all.forEach((connection) => connection.close());
}

Deno.test("listen() listens again when more connections than the process may have files have ended it", async () => {
  await using program = start();
  const { lines } = program;
  const port = Number(await until(() => lines[0]));

  await crowd(port, lines);

  const answer = await until(() => fetch(`http://127.0.0.1:${port}/`).catch(() => undefined));
  assert.equal(await answer.text(), "here");
  assert.ok(lines.includes("listening again"));
});

// That nobody is answered any more is sure after half a minute.
testWith(
  [],
  "listen() with TLS listens again when more connections than the process may have files have silenced it",
  async () => {
    const authority = await makeAuthority("Test CA");
    await using files = await tlsFiles(await authority.issue());
    using client = Deno.createHttpClient({ caCerts: [authority.cert] });
    await using program = start(files.tls.certFile, files.tls.keyFile);
    const { lines } = program;
    const port = Number(await until(() => lines[0]));

    await crowd(port, lines);

    const answer = await until(() => fetch(`https://127.0.0.1:${port}/`, { client }).catch(() => undefined));
    assert.equal(await answer.text(), "here");
    assert.ok(lines.includes("listening again"));
  },
);
