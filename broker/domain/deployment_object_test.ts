import assert from "node:assert/strict";
import { readSubmission } from "./deployment_object.ts";

const CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
const submission = { stackId: "stack", yamlContent: CONFIG_MAP, isDeletionMarker: false };

Deno.test("readSubmission() adds the SHA-256 of the content's bytes", async () => {
  const { yamlChecksum, yamlContent } = await readSubmission({ ...submission, yamlContent: `${CONFIG_MAP}# é\n` });

  const bytes = new TextEncoder().encode(yamlContent);
  assert.equal(yamlChecksum, new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex());
});

Deno.test("readSubmission() refuses a bundle with faults, naming each with its document and line", async () => {
  const yamlContent = `${CONFIG_MAP}---\nkind: Secret\n---\n- list\n`;

  await assert.rejects(readSubmission({ ...submission, yamlContent }), (error: Error & { code: string }) => {
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
    await assert.rejects(readSubmission({ ...submission, yamlContent }), { code: "invalid_deployment_object" });
    const marker = await readSubmission({ ...submission, yamlContent, isDeletionMarker: true });
    assert.equal(marker.yamlChecksum.length, 64);
  }
});
