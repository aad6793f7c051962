import { FROM_GLOBAL_CACHE } from "./packages.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { GuardedProcesses } from "./guarded_processes.ts";
import { waitFor } from "./wait.ts";

Deno.test("close() ends every process and removes the folder", async () => {
  const processes = await GuardedProcesses.open("processes-test");
  const child = await processes.start({ name: "sleeper", program: "sleep", args: ["600"] });

  await processes.close();

  assert.ok(child.hasEnded());
  assert.equal(await exists(processes.folder), false);
});

Deno.test("close() kills a process that does not listen to SIGTERM", async () => {
  const processes = await GuardedProcesses.open("processes-test");
  const script = "trap '' TERM; echo deaf; while :; do sleep 0.05; done";
  const child = await processes.start({ name: "deaf", program: "sh", args: ["-c", script], killAfterMs: 100 });
  await waitFor(async () => await child.logTail() || undefined, { what: "see the process start" });

  await processes.close();

  assert.equal(await child.ended, 137);
});

Deno.test("a processes's processes and folder do not outlive a killed owner, and ended pids are left alone", async () => {
  const owner = `
    const { GuardedProcesses } = await import(${JSON.stringify(import.meta.resolve("./guarded_processes.ts"))});
    const processes = await GuardedProcesses.open("processes-test");
    const [over, alive] = [await processes.start({ name: "over", program: "true", args: [] }),
      await processes.start({ name: "alive", program: "sleep", args: ["600"] })];
    await over.ended;
    console.log(alive.pid + " " + processes.folder);
    Deno.kill(Deno.pid, "SIGKILL");
  `;
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      FROM_GLOBAL_CACHE,
      "--allow-all",
      "--no-check",
      "--config",
      config,
      `data:text/javascript,${encodeURIComponent(owner)}`,
    ],
  }).output();
  const [pid = "", folder = ""] = new TextDecoder().decode(stdout).trim().split(" ");

  assert.match(pid, /^\d+$/);
  await waitFor(async () => await exists(folder) ? undefined : true, { what: "see the folder go" });
  await waitFor(async () => await commandLine(pid) === "" ? true : undefined, { what: "see the process go" });
});

/** Empty for a process that is over, whether or not its parent has taken notice. */
async function commandLine(pid: string): Promise<string> {
  try {
    return await Deno.readTextFile(`/proc/${pid}/cmdline`);
  } catch {
    return "";
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
