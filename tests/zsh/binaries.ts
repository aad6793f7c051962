import { existsSync } from "node:fs";
import { cacheFolder } from "../cluster/binaries.ts";

/** The zsh that `deno task setup` unpacked. */
export interface ZshBinaries {
  readonly zsh: string;
  /** The folder of its modules. */
  readonly modules: string;
  /** The folder of the folders of its functions. */
  readonly functions: string;
}

/** Where it is kept. */
export function zshFolder(): string {
  return `${cacheFolder()}/zsh`;
}

/** What `deno task setup` brought; `undefined` when it is missing. Only looks whether files exist. */
export function locateZsh(): ZshBinaries | undefined {
  const folder = zshFolder();
  const found = { zsh: `${folder}/zsh`, modules: `${folder}/modules`, functions: `${folder}/functions` };
  return Object.values(found).every((path) => existsSync(path)) ? found : undefined;
}
