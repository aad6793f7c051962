import assert from "node:assert/strict";
import { holdFile, isSocketPath, removeIfThere } from "./files.ts";

Deno.test("removeIfThere() removes a file, a folder with all in it, and takes what is not there for removed", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/a/b`, { recursive: true });
  await Deno.writeTextFile(`${folder}/a/b/c`, "c");

  await removeIfThere(`${folder}/a/b/c`);
  await removeIfThere(`${folder}/a`);
  await removeIfThere(`${folder}/a`);
  await Deno.remove(folder);

  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
});

Deno.test("isSocketPath() counts bytes, of which the system takes 107", () => {
  assert.deepEqual(["a".repeat(107), "a".repeat(108), "ä".repeat(54)].map(isSocketPath), [true, false, false]);
});

Deno.test("holdFile() gives a file to one holder at a time", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/lock`;

  const first = await holdFile(path);
  const second = await holdFile(path);
  first?.close();
  const third = await holdFile(path);
  third?.close();
  await Deno.remove(folder, { recursive: true });

  assert.deepEqual([first, second, third].map((held) => held !== undefined), [true, false, true]);
});
