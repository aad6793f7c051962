import assert from "node:assert/strict";
import { readTokenFile } from "$lib/token.ts";

Deno.test("readTokenFile() gives a file's text without the white space around it, and refuses an empty one", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, " t0ken\n");
    assert.equal(await readTokenFile(path), "t0ken");

    await Deno.writeTextFile(path, "\n");

    await assert.rejects(readTokenFile(path), { message: `Cannot read a token from "${path}": it is empty` });
  } finally {
    await Deno.remove(path);
  }
});
