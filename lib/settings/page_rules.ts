import { messageOf } from "$lib/error.ts";
import type { SettingsOf } from "$lib/settings/declaration.ts";
import type { PAGE_SETTINGS } from "$lib/settings/shared.ts";
import type { SettingSources } from "$lib/settings/sources.ts";

/** What says where the page of metrics is, and who may read it. */
export type PageSettings = Pick<
  SettingsOf<typeof PAGE_SETTINGS>,
  "metrics.enabled" | "metrics.port" | "metrics.bearer_token_file"
>;

/** What the page's settings are held against. */
export interface PageSurroundings extends Pick<SettingSources, "readFile"> {
  /** Where the program listens, and the setting that says so. */
  readonly main: { readonly key: string; readonly port: number };
}

/** What is wrong with the page's settings; nothing where metrics are off. */
export function pageFaults(settings: PageSettings, { main, readFile }: PageSurroundings): readonly string[] {
  if (!settings["metrics.enabled"]) return [];
  const { "metrics.port": port, "metrics.bearer_token_file": path } = settings;
  return [
    ...(port !== undefined && port !== 0 && port === main.port
      ? [`metrics.port must not be ${port}, which is the port of ${main.key}`]
      : []),
    ...(path === undefined ? [] : tokenFaults(path, readFile)),
  ];
}

function tokenFaults(path: string, readFile: SettingSources["readFile"]): readonly string[] {
  try {
    return readFile(path).trim() === "" ? [`metrics.bearer_token_file names "${path}", which is empty`] : [];
  } catch (error) {
    return [`metrics.bearer_token_file names "${path}", which can't be read: ${messageOf(error)}`];
  }
}
