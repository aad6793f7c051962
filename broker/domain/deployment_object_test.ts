import assert from "node:assert/strict";
import { judgeBundle } from "./bundle_verdict.ts";
import { readSubmission, type Submission } from "./deployment_object.ts";

const CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
const submission = { stackId: "stack", yamlContent: CONFIG_MAP, isDeletionMarker: false };

function read(changed: Partial<Submission>): Promise<Submission> {
  const whole = { ...submission, ...changed };
  return readSubmission(whole, judgeBundle(whole.yamlContent));
}

Deno.test("readSubmission() adds the SHA-256 of the content's bytes", async () => {
  const { yamlChecksum, yamlContent } = await read({ yamlContent: `${CONFIG_MAP}# é\n` });

  const bytes = new TextEncoder().encode(yamlContent);
  assert.equal(yamlChecksum, new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex());
});

Deno.test("readSubmission() refuses a bundle with faults, naming each with its document and line", async () => {
  const yamlContent = `${CONFIG_MAP}---\nkind: Secret\n---\n- list\n`;

  await assert.rejects(read({ yamlContent }), (error: Error & { code: string }) => {
    const { errors } = (error as unknown as { details: { errors: { document: number; line: number }[] } }).details;
    assert.equal(error.code, "invalid_deployment_object");
    assert.deepEqual(errors.map(({ document, line }) => ({ document, line })), [
      { document: 2, line: 6 },
      { document: 2, line: 6 },
      { document: 3, line: 8 },
    ]);
    return true;
  });
});

Deno.test("readSubmission() takes an empty bundle only of a deletion marker", async () => {
  for (const yamlContent of ["", "---\n", "# nothing\n"]) {
    await assert.rejects(read({ yamlContent }), { code: "invalid_deployment_object" });
    const marker = await read({ yamlContent, isDeletionMarker: true });
    assert.equal(marker.yamlChecksum.length, 64);
  }
});

Deno.test("readSubmission() says how many faults there are beside those it names", async () => {
  await assert.rejects(read({ yamlContent: "- x\n---\n".repeat(103) }), (error: Error) => {
    assert.match(error.message, /document 100, line 199: [^;]*; and 3 more$/);
    return true;
  });
});
