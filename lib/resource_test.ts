import assert from "node:assert/strict";
import { resourceOf, type ResourceParts } from "$lib/resource.ts";
import { VERSION } from "$lib/program/version.ts";

function resource(parts: Partial<ResourceParts> = {}) {
  const lines: string[] = [];
  const nothing = () => {};
  const log = { debug: nothing, info: nothing, error: nothing, warn: (line: string) => lines.push(line) };
  return { of: resourceOf({ component: "broker", env: {}, newId: () => "fresh", log, ...parts }), lines };
}

Deno.test("resourceOf() says what a program is, which instance, and what it knows besides", () => {
  const own = { "service.namespace": "brokkr", "service.version": VERSION };

  assert.deepEqual(resource().of, { "service.name": "brokkr-broker", ...own, "service.instance.id": "fresh" });
  assert.deepEqual(
    resource({ component: "agent", env: { BROKKR_POD_UID: "pod" }, more: { "k8s.cluster.name": "berlin" } }).of,
    { "service.name": "brokkr-agent", ...own, "service.instance.id": "pod", "k8s.cluster.name": "berlin" },
  );
});

Deno.test("resourceOf() lets OpenTelemetry's own variables overrule it, and decodes them", () => {
  const OTEL_RESOURCE_ATTRIBUTES = " te%3Dam = pay%2Cments,service.instance.id=one,,service.name=given,empty= ";

  const { of: { "service.version": _, ...of }, lines } = resource({ env: { OTEL_RESOURCE_ATTRIBUTES } });
  const [named, blank] = [" named ", " "].map((OTEL_SERVICE_NAME) =>
    resource({ env: { OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME } }).of["service.name"]
  );

  assert.deepEqual(of, {
    "service.name": "given",
    "service.namespace": "brokkr",
    "service.instance.id": "one",
    "te=am": "pay,ments",
    "empty": "",
  });
  assert.deepEqual([named, blank], ["named", "given"]);
  assert.deepEqual(lines, []);
});

for (const bad of ["team", "=x", "a=1,b", "a=%E0%A4%A", "%E0%A4%A=a"]) {
  Deno.test(`resourceOf() passes over OTEL_RESOURCE_ATTRIBUTES=${bad} whole, and says so once`, () => {
    const { of, lines } = resource({ env: { OTEL_RESOURCE_ATTRIBUTES: bad } });

    assert.deepEqual(of, resource().of);
    assert.equal(lines.length, 1);
  });
}
