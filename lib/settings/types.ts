import type { ListenAddress } from "$lib/addresses.ts";

/** How a setting's text becomes a value. */
export interface SettingType<T> {
  /** What is accepted, as the end of a sentence that begins "must be". Documents and complaints both say it. */
  readonly expects: string;
  /** The value, or undefined when the text is not what is expected. */
  parse(text: string): { readonly value: T } | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;
const PORT_MAX = 65_535;
/** As people and programs write one: 0.0000001 in a settings file arrives as `1e-7`. */
const NUMBER = /^(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const SECONDS_MAX = 1_000_000; // a timer of 2^31 ms or more would run out at once

/** Any text but the empty one. */
export function text(): SettingType<string> {
  return matching(/^[^]+$/, "a text");
}

/** A text that `pattern` matches as a whole; `expects` says in words what that is. */
export function matching(pattern: RegExp, expects: string): SettingType<string> {
  return { expects, parse: (text) => pattern.test(text) ? { value: text } : undefined };
}

/** A UUID, in lower case whatever was written. */
export function uuid(): SettingType<string> {
  return { expects: "a UUID", parse: (text) => UUID.test(text) ? { value: text.toLowerCase() } : undefined };
}

/** A whole number within bounds, both included. */
export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): SettingType<number> {
  return {
    expects: `a whole number${bounds(min, max)}`,
    parse: (text) => /^-?\d+$/.test(text) ? within(Number(text), min, max) : undefined,
  };
}

/** A duration in seconds, fractions allowed, within bounds, both included. */
export function seconds({ min = 0, max = SECONDS_MAX } = {}): SettingType<number> {
  return {
    expects: `a number of seconds${bounds(min, max)}`,
    parse: (text) => /^\d+(\.\d+)?$/.test(text) ? within(Number(text), min, max) : undefined,
  };
}

/** A number within bounds, both included. */
export function number({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): SettingType<number> {
  return {
    expects: `a number${bounds(min, max)}`,
    parse: (text) => NUMBER.test(text) ? within(Number(text), min, max) : undefined,
  };
}

/** `true` or `false`; as a flag, its bare name means `true`. */
export function boolean(): SettingType<boolean> {
  return {
    expects: "true or false",
    parse: (text) => text === "true" || text === "false" ? { value: text === "true" } : undefined,
  };
}

/** One of `values`, spelled as there. */
export function choice<const V extends string>(values: readonly V[]): SettingType<V> {
  return {
    expects: `one of ${values.join(", ")}`,
    parse(text) {
      const value = values.find((one) => one === text);
      return value === undefined ? undefined : { value };
    },
  };
}

/** An absolute URL with one of `schemes`, each without its colon. */
export function url(schemes: readonly string[]): SettingType<URL> {
  return {
    expects: `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`,
    parse(text) {
      const value = URL.parse(text);
      const isKnown = value !== null && value.host !== "" && schemes.includes(value.protocol.slice(0, -1));
      return isKnown ? { value } : undefined;
    },
  };
}

/** `host:port`; an IPv6 address in brackets. */
export function listenAddress(): SettingType<ListenAddress> {
  return {
    expects: "an address and a port, such as 0.0.0.0:3000",
    parse(text) {
      const [, ipv6, host, port] = HOST_AND_PORT.exec(text) ?? [];
      const hostname = ipv6 ?? host;
      if (hostname === undefined || Number(port) > PORT_MAX) return undefined;
      return { value: { hostname, port: Number(port) } };
    },
  };
}

/** Items separated by commas, white space around them dropped; an empty text is an empty list. */
export function list<T>(item: SettingType<T>): SettingType<readonly T[]> {
  return {
    expects: `a list, separated by commas, of which each is ${item.expects}`,
    parse(text) {
      if (text.trim() === "") return { value: [] };
      const values: T[] = [];
      for (const part of text.split(",")) {
        const parsed = item.parse(part.trim());
        if (parsed === undefined) return undefined;
        values.push(parsed.value);
      }
      return { value: values };
    },
  };
}

function within(value: number, min: number, max: number): { readonly value: number } | undefined {
  return value >= min && value <= max ? { value } : undefined;
}

function bounds(min: number, max: number): string {
  return max === Number.MAX_SAFE_INTEGER ? `, ${min} or more` : ` from ${min} to ${max}`;
}
