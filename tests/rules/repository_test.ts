import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);
const PIN = /^npm:(@[a-z0-9-]+\/)?[a-z0-9.-]+@\d+\.\d+\.\d+$/;
/** Written in pieces, so that this file does not name what it looks for. */
const REGISTRY_HOSTS = [["registry", "npmjs"], ["proxy", "golang"], ["pypi", "org"], ["deb", "debian"], [
  "crates",
  "io",
]]
  .map((pieces) => pieces.join("."));

async function trackedFiles(): Promise<string[]> {
  const { success, stdout } = await new Deno.Command("git", { args: ["ls-files"], cwd: ROOT }).output();
  assert.ok(success, "git must list the repository's files");
  return new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "");
}

/** The contents of every tracked file that still exists. */
async function contents(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of await trackedFiles()) {
    const text = await Deno.readTextFile(new URL(path, ROOT)).catch(() => undefined);
    if (text !== undefined) found.set(path, text);
  }
  return found;
}

Deno.test("repository: every dependency is pinned to one exact version, so that a build today is a build tomorrow", () => {
  const loose = Object.values(project.imports).filter((target) => !target.startsWith("./") && !PIN.test(target));

  assert.deepEqual(loose, []);
});

Deno.test("repository: no file names a package registry's host, so that any mirror will do", async () => {
  const naming = [...await contents()].filter(([, text]) => REGISTRY_HOSTS.some((host) => text.includes(host)));

  assert.deepEqual(naming.map(([path]) => path), []);
});

Deno.test("repository: README's first screen has the two commands, each on a line of its own", async () => {
  const screen = (await Deno.readTextFile(new URL("README.md", ROOT))).split("\n").slice(0, 25);

  for (const task of ["demo", "test"]) {
    assert.ok(
      screen.some((line) => new RegExp(`^ {4}npx -y deno@\\d+\\.\\d+\\.\\d+ task ${task}( |$)`).test(line)),
      task,
    );
  }
});

Deno.test("repository: every task that README and CONTRIBUTING name is in deno.json", async () => {
  const texts = await Promise.all(
    ["README.md", "CONTRIBUTING.md"].map((path) => Deno.readTextFile(new URL(path, ROOT))),
  );
  const named = texts.flatMap((text) => [...text.matchAll(/deno(?:@[\d.]+)? task ([a-z:]+)/g)].map(([, task]) => task));

  assert.ok(named.length >= 5);
  assert.deepEqual(named.filter((task) => task !== undefined && !(task in project.tasks)), []);
});
