/**
 * `deno task tools`: the folders of the programs that `deno task setup` brought (prometheus, promtool, helm, kubectl),
 * as a value for PATH.
 */
import { helmFolder, locateHelm } from "../helm/helm.ts";
import { locatePrometheus, prometheusFolder } from "../prometheus/binaries.ts";

if (import.meta.main) Deno.exit(printFolders());

function printFolders(): number {
  if (locateHelm() === undefined || locatePrometheus(3) === undefined) {
    console.error('Cannot name the tools: they are not on this machine; "deno task setup" adds them');
    return 1;
  }
  console.log([helmFolder(), prometheusFolder(3)].join(":"));
  return 0;
}
