/** MiB that a process has in memory now, as the kernel says. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error(`Cannot read the memory of process ${pid}:\n${status}`);
  return Number(kib) / 1024;
}
