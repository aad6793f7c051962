import assert from "node:assert/strict";
import type { Terminal } from "$lib/terminal.ts";
import { placeOf, readBundle } from "./bundle_files.ts";

const stdin = { readAll: () => Promise.resolve(new TextEncoder().encode("kind: C\n")) } as unknown as Terminal;

async function inFolder(files: Readonly<Record<string, string>>, work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readBundle() joins files and the manifests of folders by name, and knows whose a line is", async () => {
  const files = { "b.yml": "kind: B", "a.yaml": "kind: A\nx: 1\n", "c.txt": "no", ".d.yaml": "no" };
  await inFolder(files, async (folder) => {
    const bundle = await readBundle([folder, "-"], stdin);

    assert.equal(bundle.yaml, "kind: A\nx: 1\n---\nkind: B\n---\nkind: C\n");
    assert.deepEqual([1, 2, 4, 6].map((line) => placeOf(line, bundle)), [
      ...[`${folder}/a.yaml, line 1`, `${folder}/a.yaml, line 2`, `${folder}/b.yml, line 1`, "-, line 1"],
    ]);
  });
});

Deno.test("readBundle() gives a single file as it is, and refuses what is no UTF-8, not there, or an empty folder", async () => {
  await inFolder({ "a.yaml": "\ufeffkind: A\r\n" }, async (folder) => {
    assert.equal((await readBundle([`${folder}/a.yaml`], stdin)).yaml, "\ufeffkind: A\r\n");
    await Deno.writeFile(`${folder}/a.yaml`, new Uint8Array([0xff, 0xfe]));
    const usage = { code: "invalid_settings" };
    await assert.rejects(readBundle([`${folder}/a.yaml`], stdin), { ...usage, message: /is no UTF-8$/ });
    await assert.rejects(readBundle([`${folder}/b.yaml`], stdin), { ...usage, message: /can't be read/ });
    await Deno.remove(`${folder}/a.yaml`);
    await assert.rejects(readBundle([folder], stdin), { ...usage, message: /has no file that ends in/ });
  });
});

Deno.test("readBundle() takes the mark at the start of a file off, where another file is before it", async () => {
  await inFolder({ "a.yaml": "\ufeffkind: A\n", "b.yaml": "\ufeffkind: B\n" }, async (folder) => {
    assert.equal((await readBundle([folder], stdin)).yaml, "\ufeffkind: A\n---\nkind: B\n");
  });
});

Deno.test("readBundle() reads standard input once, and refuses to be told of it twice", async () => {
  assert.equal((await readBundle(["/dev/stdin"], stdin)).yaml, "kind: C\n");
  await assert.rejects(readBundle(["-", "/dev/stdin"], stdin), {
    code: "invalid_settings",
    message: /- is given twice/,
  });
});
