import assert from "node:assert/strict";
import { findControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { testWith } from "../../run/parts.ts";
import { clusterCases } from "./mod.ts";

testWith("nodes", "the real cluster does what every cluster must do", async (test) => {
  const binaries = await findControlPlane();
  assert.ok(binaries !== undefined);
  await using control = await startControlPlane(binaries);
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(control.caPath)] });
  const { url, token } = control;
  const authorized = {
    url,
    fetch: (path: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${token}`);
      return fetch(`${url}${path}`, { ...init, headers, client });
    },
  };
  for (const { name, skipOn, run } of clusterCases) {
    await test.step({ name, ignore: skipOn?.real !== undefined, fn: () => run(authorized) });
  }
});
