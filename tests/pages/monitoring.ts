import { parseAllDocuments } from "yaml";
import { readFile } from "../promql/rule_files.ts";
import { type Block, blocksOf } from "./blocks.ts";

/** The page from which an operator of Prometheus is to copy. */
export const MONITORING = "docs/content/reference/monitoring.md";

/** What a block of the page is, for whoever copies it. */
export type Kind = "configuration" | "values" | "monitors" | "settings" | "promql" | "unknown";

const TOP_KEYS: Readonly<Record<string, Kind>> = {
  scrape_configs: "configuration",
  metrics: "values",
};

/** Tells by what is in it, as its reader does. */
export function kindOf({ language, text }: Block): Kind {
  if (language === "promql") return "promql";
  if (language === "toml") return "settings";
  if (language !== "yaml") return "unknown";
  const documents = parseAllDocuments(text).map((document) => document.toJS() as Readonly<Record<string, unknown>>);
  if (documents.every(({ kind }) => kind === "ServiceMonitor")) return "monitors";
  const [key] = Object.keys(documents[0] ?? {}).filter((name) => name in TOP_KEYS);
  return TOP_KEYS[key ?? ""] ?? "unknown";
}

/** The page's blocks of one kind. */
export async function monitoringBlocks(kind: Kind): Promise<readonly Block[]> {
  return (await blocksOf(MONITORING)).filter((block) => kindOf(block) === kind);
}

/** A folder of a Prometheus whose operator has copied all that the page has for it. */
export interface Copied extends AsyncDisposable {
  readonly folder: string;
  /** The paths of the configurations, each in a file of its own. */
  readonly configurations: readonly { readonly path: string; readonly where: string }[];
  /** The paths of the files of rules, called as the configuration calls them. */
  readonly rules: readonly string[];
}

/**
 * Copies: the rules that the page links to beside the configurations, and the token to where it is looked for, in this
 * folder.
 */
export async function layOut(): Promise<Copied> {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-monitoring-" });
  await Deno.writeTextFile(`${folder}/brokkr-scrape-token`, "a-long-enough-token");
  const rules = await Promise.all(
    linkedRules().map(async (path) => {
      return await write(`${folder}/${path.replace(/.*\//, "")}`, readFile(path));
    }),
  );
  const blocks = await monitoringBlocks("configuration");
  const configurations = await Promise.all(blocks.map(async ({ text, where }, at) => ({
    path: await write(`${folder}/prometheus-${at}.yml`, text.replaceAll("/etc/prometheus", folder)),
    where,
  })));
  return {
    folder,
    configurations,
    rules,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** The files of rules that the page leads to, by their paths in the repository. */
export function linkedRules(): readonly string[] {
  const links = readFile(MONITORING).matchAll(/\]\((?:\.\.\/)+(charts\/[^)]+\/rules\/[^)]+\.yaml)\)/g);
  return [...links].map(([, path = ""]) => path);
}

async function write(path: string, text: string): Promise<string> {
  await Deno.writeTextFile(path, text);
  return path;
}
