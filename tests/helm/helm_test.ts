import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { helm, HELM_VERSION } from "./helm.ts";

testWith("helm", "helm() is the version it is said to be", async () => {
  const { code, stdout } = await helm(["version", "--template", "{{ .Version }}"]);

  assert.deepEqual([code, stdout], [0, `v${HELM_VERSION}`]);
});

testWith("helm", "helm() renders a chart with the values given", async () => {
  await using chart = await chartOf("name: {{ .Values.name }}\n");

  const { code, stdout, stderr } = await helm(["template", "shop", chart.path, "--set", "name=books"]);

  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^name: books$/m);
});

testWith("helm", "helm() answers a failure with Helm's own words", async () => {
  await using chart = await chartOf('{{ fail "no name" }}\n');

  const { code, stdout, stderr } = await helm(["template", "shop", chart.path]);

  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /no name/);
});

async function chartOf(template: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "brokkr-chart-" });
  await Deno.mkdir(`${path}/templates`);
  await Deno.writeTextFile(`${path}/Chart.yaml`, "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
  await Deno.writeTextFile(`${path}/templates/shop.yaml`, template);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
