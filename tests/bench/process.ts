/** What V8 is told of an agent, as its chart tells it with the memory that it ships with. */
export const AGENT_FLAGS: readonly string[] = ["--v8-flags=--max-old-space-size=307,--max-semi-space-size=8"];

/** The kernel counts in hundredths of a second, whatever its own clock. */
const TICK_US = 10_000;

/** MiB that a process has in memory now, as the kernel says. */
export async function residentMiB(pid: number): Promise<number> {
  return await kibibytes(pid, "VmRSS") / 1024;
}

/** Megabytes (of 1,000,000 bytes) that a process had in memory at most, as the kernel says. */
export async function peakMB(pid: number): Promise<number> {
  return await kibibytes(pid, "VmHWM") * 1024 / 1_000_000;
}

async function kibibytes(pid: number, name: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kib === undefined) throw new Error(`Cannot read the memory of process ${pid}:\n${status}`);
  return Number(kib);
}

/** Microseconds of a processor that a process has taken until now, as the kernel says, in steps of 10,000. */
export async function processorUs(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
  if (user === undefined || system === undefined) throw new Error(`Cannot read the times of process ${pid}: ${stat}`);
  return (user + system) * TICK_US;
}

/** Microseconds for which the machine's processors were busy until now, in steps of 10,000. */
export async function busyUs(): Promise<number> {
  const [, ...ticks] = (await Deno.readTextFile("/proc/stat")).split("\n", 1)[0]?.split(/ +/) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = ticks.map(Number);
  return (user + nice + system + irq + softirq) * TICK_US;
}
