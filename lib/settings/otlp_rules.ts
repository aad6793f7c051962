import { messageOf } from "$lib/error.ts";
import type { Origins } from "$lib/settings/fallbacks.ts";
import { headerList, headersIn } from "$lib/settings/headers.ts";
import type { OtlpSettings } from "$lib/settings/otlp.ts";
import type { SettingSources } from "$lib/settings/sources.ts";
import { keyPairFaults } from "$lib/serve/tls_files.ts";

/** A fault of several settings taken together. */
export interface OtlpFault {
  /** The settings that are part of it. */
  readonly keys: readonly string[];
  readonly text: string;
}

/** What the settings are held against. */
export interface FaultSurroundings extends Pick<SettingSources, "readFile"> {
  readonly origins: Origins;
}

/** What is wrong with good values taken together, where nothing of it comes from a variable of OpenTelemetry's. */
export function otlpFaults(
  settings: OtlpSettings,
  { readFile, origins }: FaultSurroundings,
): readonly string[] {
  return faultsTogether(settings, { readFile, origins })
    .filter(({ keys }) => !keys.some((key) => origins.taken.has(key))).map(({ text }) => text);
}

/** What is wrong with good values taken together, wherever they come from. */
export function faultsTogether(
  settings: OtlpSettings,
  { readFile, origins }: FaultSurroundings,
): readonly OtlpFault[] {
  return [
    ...endpointFaults(settings),
    ...wordFaults(settings),
    ...timeFaults(settings, origins),
    ...certificateFaults(settings, readFile),
    ...headerFaults(settings, readFile),
  ];
}

function endpointFaults(settings: OtlpSettings): readonly OtlpFault[] {
  const { "metrics.otlp_endpoint": base, "otlp.metrics_endpoint": whole, "metrics.enabled": isEnabled } = settings;
  const both = ["metrics.otlp_endpoint", "otlp.metrics_endpoint"];
  const given = both.filter((_, at) => [base, whole === "none" ? undefined : whole][at] !== undefined);
  return [
    ...(base !== undefined && whole !== undefined
      ? [{ keys: both, text: "metrics.otlp_endpoint and otlp.metrics_endpoint must not be given together" }]
      : []),
    ...(isEnabled ? [] : given.map((key) => ({ keys: [key], text: `${key} is set: it wants metrics.enabled` }))),
  ];
}

/** A signal that is asked for by a word of its own wants an endpoint. */
function wordFaults(settings: OtlpSettings): readonly OtlpFault[] {
  const base = settings["otlp.endpoint"];
  const words = [["tracing.enabled", "otlp.traces_endpoint"], ["otlp.logs", "otlp.logs_endpoint"]] as const;
  return words.filter(([word, own]) => settings[word] === true && (settings[own] ?? base ?? "none") === "none")
    .map(([word, own]) => ({ keys: [word, own], text: `${word} is true: it wants ${own} or otlp.endpoint` }));
}

/** The default gives way to an interval that is shorter. */
function timeFaults(settings: OtlpSettings, { defaults }: Origins): readonly OtlpFault[] {
  const keys = ["otlp.timeout_seconds", "otlp.metrics_interval_seconds"] as const;
  const [timeout, interval] = [settings[keys[0]], settings[keys[1]]];
  if (timeout <= interval || defaults.has(keys[0])) return [];
  return [{ keys, text: `${keys[0]} is ${timeout}: it must not be more than ${keys[1]}, which is ${interval}` }];
}

function certificateFaults(settings: OtlpSettings, readFile: SettingSources["readFile"]): readonly OtlpFault[] {
  const { "otlp.client_cert_file": certFile, "otlp.client_key_file": keyFile, "otlp.ca_file": ca } = settings;
  const keys = ["otlp.client_cert_file", "otlp.client_key_file"];
  const authority = ca === undefined ? [] : fileFaults("otlp.ca_file", ca, readFile);
  if ((certFile === undefined) !== (keyFile === undefined)) {
    return [...authority, { keys, text: `${keys.join(" and ")} must be given together` }];
  }
  if (certFile === undefined || keyFile === undefined) return authority;
  const faults = keyPairFaults({ certFile, keyFile }, readFile);
  return [...authority, ...faults.map((fault) => ({ keys, text: `otlp.client_*_file: ${fault}` }))];
}

function headerFaults(settings: OtlpSettings, readFile: SettingSources["readFile"]): readonly OtlpFault[] {
  const { "otlp.headers_file": path } = settings;
  if (path === undefined) return [];
  const key = "otlp.headers_file";
  return fileFaults(key, path, (path) => {
    const content = readFile(path);
    if (headersIn(content) === undefined) throw new TypeError(`it must hold ${headerList().expects}`);
    return content;
  });
}

function fileFaults(key: string, path: string, readFile: SettingSources["readFile"]): readonly OtlpFault[] {
  try {
    readFile(path);
    return [];
  } catch (error) {
    return [{ keys: [key], text: `${key} names "${path}", which can't be used: ${messageOf(error)}` }];
  }
}
