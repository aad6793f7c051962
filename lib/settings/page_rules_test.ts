import assert from "node:assert/strict";
import { pageFaults, type PageSettings } from "$lib/settings.ts";

const OFF = { "metrics.port": undefined, "metrics.bearer_token_file": undefined };
const FILES: Readonly<Record<string, string>> = { "/token": "t0ken\n", "/empty": " \n" };

function faultsOf(given: Partial<PageSettings>): readonly string[] {
  const readFile = (path: string) => {
    const text = FILES[path];
    if (text === undefined) throw new Error("No such file");
    return text;
  };
  return pageFaults({ "metrics.enabled": true, ...OFF, ...given }, {
    main: { key: "broker.listen", port: 3000 },
    readFile,
  });
}

Deno.test("pageFaults() finds nothing in a port of its own and a file that holds a token", () => {
  assert.deepEqual(faultsOf({ "metrics.port": 9090, "metrics.bearer_token_file": "/token" }), []);
  assert.deepEqual(faultsOf({ "metrics.port": 0 }), []);
  assert.deepEqual(faultsOf({}), []);
});

Deno.test("pageFaults() refuses the port of the main listener", () => {
  assert.deepEqual(faultsOf({ "metrics.port": 3000 }), [
    "metrics.port must not be 3000, which is the port of broker.listen",
  ]);
});

Deno.test("pageFaults() refuses a token file that is empty, or not there, without its content", () => {
  assert.deepEqual(faultsOf({ "metrics.bearer_token_file": "/empty" }), [
    'metrics.bearer_token_file names "/empty", which is empty',
  ]);
  assert.deepEqual(faultsOf({ "metrics.bearer_token_file": "/gone" }), [
    'metrics.bearer_token_file names "/gone", which can\'t be read: No such file',
  ]);
});

Deno.test("pageFaults() finds nothing where metrics are off", () => {
  const given = { "metrics.enabled": false, "metrics.port": 3000, "metrics.bearer_token_file": "/gone" };

  assert.deepEqual(faultsOf(given), []);
});
