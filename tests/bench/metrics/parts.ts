import { faultText, isHeld, type Line, table } from "./report.ts";

/** Measures one part of a bench by its name, or all; prints the lines, and which are not held: then it is 1. */
export async function measureParts(
  parts: Readonly<Record<string, () => Promise<readonly Line[]>>>,
  wanted: string | undefined,
): Promise<number> {
  const names = Object.keys(parts);
  if (wanted !== undefined && !names.includes(wanted)) {
    console.error(`Cannot measure "${wanted}": there is ${names.join(", ")}`);
    return 2;
  }
  const lines: Line[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (wanted === undefined || wanted === name) lines.push(...await measure());
  }
  console.log(table(lines).join("\n"));
  const faults = lines.filter((line) => !isHeld(line));
  for (const fault of faults) console.error(`NOT HELD: ${faultText(fault)}`);
  return faults.length === 0 ? 0 : 1;
}
