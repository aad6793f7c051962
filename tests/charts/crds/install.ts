import assert from "node:assert/strict";
import { parse } from "yaml";
import type { Admin } from "../../cluster/admin.ts";
import { waitFor } from "../../run/wait.ts";
import { DEFINITIONS, locateDefinitions } from "./definitions.ts";

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly names: { readonly kind: string; readonly plural: string } };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Makes the kinds known to a cluster; answers the names, by kind, that paths have for them. */
export async function installDefinitions(admin: Admin): Promise<ReadonlyMap<string, string>> {
  const texts = (locateDefinitions() ?? []).map((path) => Deno.readTextFileSync(path));
  const definitions: readonly Definition[] = texts.map((text) => parse(text));
  const collection = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  for (const definition of definitions) await admin.request("POST", collection, definition);
  for (const { metadata: { name } } of definitions) {
    await waitFor(async () => {
      const { status } = await admin.request<Definition>("GET", `${collection}/${name}`);
      return status.conditions?.some(({ type, status }) => type === "Established" && status === "True") || undefined;
    }, { what: `see ${name} established` });
  }
  const plurals = new Map(definitions.map(({ spec: { names } }) => [names.kind, names.plural]));
  assert.deepEqual([...plurals.keys()], Object.keys(DEFINITIONS));
  return plurals;
}
