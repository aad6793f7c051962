import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { Driver } from "./driver.ts";
import { Primary } from "./primary.ts";

type Server = "primary" | "standby" | "silent" | Error;

/** Servers `a`, `b` … that are what `servers` say, in order, when they are asked. */
function finding(...servers: readonly Server[]) {
  const clock = new ManualClock();
  const [asked, ended]: [string[], string[]] = [[], []];
  const hosts = servers.map((_, index) => ({ hostname: "abc"[index] ?? "", port: index + 1 }));
  const primary = new Primary(hosts, {
    clock,
    connectTo({ hostname, port }) {
      const server = servers[port - 1];
      return {
        run() {
          asked.push(hostname);
          if (server instanceof Error) return Promise.reject(server);
          if (server === "silent") return new Promise(() => {});
          return Promise.resolve([{ is_standby: server === "standby" }]);
        },
        end: () => Promise.resolve(void ended.push(hostname)),
      } as Partial<Driver> as Driver;
    },
  });
  return { clock, primary, asked, ended };
}

const refused = () => Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

Deno.test("Primary finds the one that is no standby, whatever the others are, and leaves no connection", async () => {
  const { clock, primary, ended } = finding("standby", "silent", "primary");

  const found = await primary.find();
  await clock.advance(5_000);

  assert.equal(found.hostname, "c");
  assert.deepEqual(ended.toSorted(), ["a", "b", "c"]);
  assert.equal(clock.pending, 0);
});

Deno.test("Primary asks once for those who want it at once, and again after that", async () => {
  const { primary, asked } = finding("primary", "standby");

  await Promise.all([primary.find(), primary.find()]);
  const once = asked.length;
  await primary.find();

  assert.deepEqual([once, asked.length], [2, 4]);
});

Deno.test("Primary says that there is none, and what a server refuses where one does", async () => {
  const denied = Object.assign(new Error("denied"), { code: "28P01", severity: "FATAL" });

  await assert.rejects(finding("standby", refused()).primary.find(), { code: "NO_PRIMARY" });
  await assert.rejects(finding(refused(), denied).primary.find(), { code: "28P01" });
});
