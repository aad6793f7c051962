import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { makeAuthority, tlsFiles } from "../fakes/certificates.ts";
import { eventually } from "./wait.ts";

const PROGRAM = fileURLToPath(new URL("../fakes/listening_program.ts", import.meta.url));
const WORDS = ["run", "--no-check", "--node-modules-dir=none", "--allow-net", "--allow-read", PROGRAM];
const request = (path: string) => new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);

/** What the program says of an answer that breaks off, and of a client that leaves in the middle of one. */
async function mustSayOneLine(args: readonly string[], connect: (port: number) => Promise<Deno.Conn>): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), { args: [...WORDS, ...args], stdout: "piped", stderr: "piped" })
    .spawn();
  const lines: string[] = [];
  const reading = (async () => {
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      lines.push(...piece.trim().split("\n"));
    }
  })();
  const errors = new Response(child.stderr).text();
  await eventually("it listens", () => lines[0] !== undefined);
  const port = Number(lines[0]);

  const leaving = await connect(port);
  await leaving.write(request("/endless"));
  await leaving.read(new Uint8Array(1));
  leaving.close();
  await eventually("it hears that the client left", () => lines.includes("nobody reads any more"));
  const staying = await connect(port);
  await staying.write(request("/broken"));
  await staying.readable.pipeTo(new WritableStream()).catch(() => {}); // until it ends, in order or by a reset
  await eventually("it has said so", () => lines.includes("an answer broke off"));

  child.kill("SIGTERM");
  await Promise.all([child.status, reading]);
  assert.deepEqual(lines.slice(1), ["nobody reads any more", "an answer broke off"]);
  assert.equal(await errors, "");
}

Deno.test("an answer that breaks off is one line of the log, and a client that leaves is none, over plain HTTP", async () => {
  await mustSayOneLine([], (port) => Deno.connect({ hostname: "127.0.0.1", port }));
});

Deno.test("an answer that breaks off is one line of the log, and a client that leaves is none, over TLS", async () => {
  const authority = await makeAuthority("Test CA");
  await using files = await tlsFiles(await authority.issue());
  const { certFile, keyFile } = files.tls;
  const caCerts = [authority.cert];
  await mustSayOneLine([certFile, keyFile], (port) => Deno.connectTls({ hostname: "127.0.0.1", port, caCerts }));
});
