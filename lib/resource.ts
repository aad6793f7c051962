import type { Log } from "$lib/log.ts";
import { percentDecoded } from "$lib/settings/headers.ts";
import { VERSION } from "$lib/program/version.ts";

/** What all telemetry of a program is about: attributes, by the names of OpenTelemetry's conventions. */
export type Resource = Readonly<Record<string, string>>;

/** What a program says of itself. */
export interface ResourceParts {
  readonly component: string;
  readonly env: Readonly<Record<string, string>>;
  /** A fresh id, where nobody gave this start one. */
  readonly newId: () => string;
  readonly log: Log;
  /** What the program knows besides. */
  readonly more?: Resource;
}

/**
 * The resource of a program. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` overrule what it says of itself; the
 * instance is the Pod (`BROKKR_POD_UID`), else this start. A value of `OTEL_RESOURCE_ATTRIBUTES` that can't be read is
 * passed over whole, with a warning, as OpenTelemetry's specification has it.
 */
export function resourceOf({ component, env, newId, log, more }: ResourceParts): Resource {
  const { OTEL_SERVICE_NAME: named, BROKKR_POD_UID: pod, OTEL_RESOURCE_ATTRIBUTES: written = "" } = env;
  const name = named?.trim();
  const given = attributesIn(written);
  if (given === undefined) log.warn("OTEL_RESOURCE_ATTRIBUTES is passed over: it is not key=value,key=value");
  return {
    "service.name": `brokkr-${component}`,
    "service.namespace": "brokkr",
    "service.version": VERSION,
    "service.instance.id": pod || newId(),
    ...more,
    ...given,
    ...(name && { "service.name": name }),
  };
}

/** `key=value,key=value`, both percent-encoded; undefined where it is anything else. */
function attributesIn(text: string): Resource | undefined {
  const attributes: Record<string, string> = {};
  for (const pair of text.split(",").filter((one) => one.trim() !== "")) {
    const at = pair.indexOf("=");
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)].map((part) => percentDecoded(part.trim()));
    if (at < 0 || !key || value === undefined) return undefined;
    attributes[key] = value;
  }
  return attributes;
}
