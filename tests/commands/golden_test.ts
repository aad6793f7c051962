import assert from "node:assert/strict";
import { FORMAT_ENV, TRANSCRIPTS, type Typed } from "./transcripts.ts";
import { called } from "./called.ts";

const FOLDER = new URL("../golden/commands/", import.meta.url);
/** `deno task golden` writes them anew. */
const isUpdate = Deno.args.includes("--update");

for (const [name, lines] of Object.entries(TRANSCRIPTS)) {
  Deno.test(`commands: what is typed and shown is as tests/golden/commands/${name} has it`, async () => {
    const file = new URL(name, FOLDER);

    const texts: string[] = [];
    for (const line of lines) texts.push(await transcriptOf(line));
    const text = texts.join("\n");

    if (isUpdate) await Deno.writeTextFile(file, text);
    assert.equal(text, await Deno.readTextFile(file), `tests/golden/commands/${name} is stale: run "deno task golden"`);
  });
}

/** What is typed, both streams with each line of the second marked, and the exit code. */
async function transcriptOf({ line, says, ...calling }: Typed): Promise<string> {
  const { code, output, notes } = await called(line, { env: FORMAT_ENV, ...calling });
  const marked = notes.replaceAll(/^(?=.)/gm, "2| ");
  const size = calling.size === undefined ? "" : `   # ${calling.size.columns}×${calling.size.rows}`;
  const escaped = `${output}${marked}`.replaceAll("\u001b", "␛").replaceAll("\r", "␍");
  const ended = escaped === "" || escaped.endsWith("\n") ? escaped : `${escaped}\n`;
  return `# ${says}\n$ brokkr-broker ${line}${size}\n${ended}[exit ${code}]\n`;
}
