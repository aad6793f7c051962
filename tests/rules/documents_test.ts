import assert from "node:assert/strict";
import { claimViolations } from "./documents/claims.ts";
import { fileViolations, linkViolations } from "./documents/files.ts";
import { known } from "./documents/known.ts";
import { allPages, type Page, pageOf } from "./documents/page.ts";
import { tableViolations } from "./documents/tables.ts";
import { report } from "./source.ts";

const NAMED = known();

function claimsOf(text: string): string {
  return report(claimViolations(pageOf("x.md", text), NAMED));
}

/** The pages for users, each with a reader and a way on; those of the repository's house are another matter. */
function isForUsers({ path }: Page): boolean {
  return path.startsWith("docs/content/");
}

Deno.test("repository: documents name no task, setting, flag, metric, path or command that doesn't exist", async () => {
  const pages = await allPages();
  assert.ok(pages.length > 10, "the documents must be read");

  assert.equal(report(pages.flatMap((page) => claimViolations(page, NAMED))), "");
});

Deno.test("repository: documents name no file that doesn't exist", async () => {
  const violations = await Promise.all((await allPages()).map(fileViolations));

  assert.equal(report(violations.flat()), "");
});

Deno.test("repository: every link of a document leads to a page and a heading that are there", async () => {
  const pages = await allPages();
  const byPath = new Map(pages.map((page) => [page.path, page]));
  assert.ok(pages.some(({ links }) => links.length > 3), "the documents must have links");

  const violations = await Promise.all(pages.map((page) => linkViolations(page, byPath)));

  assert.equal(report(violations.flat()), "");
});

Deno.test("repository: every page of the documents says whom it serves and what to read next", async () => {
  const pages = (await allPages()).filter(isForUsers);

  const lost = pages.filter(({ opening, headings }) => !opening.startsWith("For ") || headings.at(-1) !== "Read next");

  assert.deepEqual(lost.map(({ path }) => path), []);
});

Deno.test("repository: no table is wider than a page", async () => {
  const pages = await allPages();
  assert.ok(pages.some(({ tables }) => tables.length > 2), "the documents must have tables");

  assert.equal(report(pages.flatMap(tableViolations)), "");
});

const FALSE_CLAIMS: readonly (readonly [string, string])[] = [
  ["`deno task fly`", 'the task "fly"'],
  ["`BROKKR__AGENT__PACK`", 'the variable "BROKKR__AGENT__PACK"'],
  ["`agent.pack_file`", 'the setting "agent.pack_file"'],
  ["```sh\nbroker --broker-listn 1\n```", 'the flag "--broker-listn"'],
  ["`brokkr_stack_total`", 'the metric "brokkr_stack_total"'],
  ["`rate(brokkr_http_requests_total_bucket[5m])`", 'the metric "brokkr_http_requests_total_bucket"'],
  ["`GET /api/v1/agents/{id}/snapshots`", 'the path "/api/v1/agents/{id}/snapshots"'],
  ["`/health`".replace("health", "readyz/x"), 'the path "/readyz/x"'],
  ["`brokkr-broker destroy`", 'the command "brokkr-broker destroy"'],
];

for (const [text, message] of FALSE_CLAIMS) {
  Deno.test(`claimViolations() finds ${message}`, () => {
    assert.match(
      claimsOf(`# A page\n\nSay ${text.startsWith("```") ? `\n\n${text}` : text}.\n`),
      new RegExp(RegExp.escape(message)),
    );
  });
}

const TRUE_CLAIMS = [
  "`deno task demo`",
  "`BROKKR__AGENT__PAK_FILE=/etc/pak`",
  "`metrics.enabled = false`",
  "`histogram_quantile(0.9, rate(brokkr_http_request_duration_seconds_bucket[5m]))`",
  "`curl $BROKER/api/v1/agents/$ID/events`",
  "`/api/v1/agents/{id}/snapshot`",
  "`kubectl get --all-namespaces`",
  "`helm install brokkr-broker charts/brokkr-broker`",
];

for (const text of TRUE_CLAIMS) {
  Deno.test(`claimViolations() lets ${text} pass`, () => {
    assert.equal(claimsOf(text), "");
  });
}

Deno.test("fileViolations() and linkViolations() find what isn't there, with its line", async () => {
  const page = pageOf(
    "docs/content/x.md",
    "# X\n\nSee `broker/brker.ts`, `lib/*.ts`,\n[gone](gone.md), [here](#x), [nowhere](#y).\n",
  );

  assert.match(
    report(await fileViolations(page)),
    /^docs\/content\/x\.md:3: names the file "broker\/brker\.ts"[^\n]*$/,
  );
  const links = report(await linkViolations(page, new Map([[page.path, page]])));
  assert.match(links, /:4: links to "gone\.md", where nothing is\n/);
  assert.match(links, /:4: links to "#y", where nothing is$|:4: links to "#y", a heading that isn't there$/);
});

Deno.test("tableViolations() takes a column by its widest cell, and a link by its text", () => {
  const table = (cell: string) =>
    pageOf("x.md", `# X\n\nSays:\n\n| A | B |\n| --- | --- |\n| ${cell} | b |\n| a | ${"c".repeat(60)} |\n`);

  assert.equal(report(tableViolations(table(`[${"a".repeat(53)}](${"far/".repeat(30)}away.md)`))), "");
  assert.match(
    report(tableViolations(table("a".repeat(54)))),
    /^x\.md:5: has a table of 121 columns of text, and a page has 120/,
  );
});
