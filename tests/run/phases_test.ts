import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { phasesFor } from "./phases.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

Deno.test("phasesFor() runs everything in two phases when nothing is named", () => {
  const [first, second] = phasesFor({ paths: [], isQuick: false }, ROOT);

  assert.deepEqual(first?.paths, []);
  assert.ok(first?.ignored.includes("tests/system"));
  assert.ok(second?.paths.includes("tests/postgres"));
});

Deno.test("phasesFor() runs a folder with servers in the second phase alone", () => {
  const phases = phasesFor({ paths: ["./tests/postgres/"], isQuick: false }, ROOT);

  assert.deepEqual(phases.map(({ paths, jobs }) => ({ paths, jobs })), [{ paths: ["tests/postgres"], jobs: 3 }]);
});

Deno.test("phasesFor() splits a folder that holds both kinds", () => {
  const [first, second] = phasesFor({ paths: ["tests"], isQuick: false }, ROOT);

  assert.deepEqual(first?.paths, ["tests"]);
  assert.ok(second?.paths.includes("tests/cluster"));
});

Deno.test("phasesFor() runs one ordinary folder in the first phase alone", () => {
  assert.deepEqual(phasesFor({ paths: ["lib"], isQuick: false }, ROOT).map(({ paths }) => paths), [["lib"]]);
});

Deno.test("phasesFor() runs what --quick leaves in one phase", () => {
  const phases = phasesFor({ paths: [], isQuick: true }, ROOT);

  assert.deepEqual(phases, [{ paths: [], ignored: ["tests/bench"], jobs: 4 }]);
});
