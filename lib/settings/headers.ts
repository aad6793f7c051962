import { isHeaderText } from "$lib/token.ts";
import type { SettingType } from "$lib/settings/types.ts";

/** A header of a request: its name, in lower case, and its value. */
export type Header = readonly [name: string, value: string];

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** Headers, as OpenTelemetry's variables have them. */
export function headerList(): SettingType<readonly Header[]> {
  return {
    expects: "headers such as `api-key=secret,x-tenant=a`, values percent-encoded where they have a comma",
    parse(text) {
      const value = headersIn(text);
      return value === undefined ? undefined : { value };
    },
  };
}

/**
 * The headers that a text holds, `name=value` each, separated by commas or in lines; undefined where it is anything
 * else.
 */
export function headersIn(text: string): readonly Header[] | undefined {
  const headers: Header[] = [];
  for (const pair of text.split(/[,\n]/).map((one) => one.trim()).filter((one) => one !== "")) {
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at).trim().toLowerCase(), percentDecoded(pair.slice(at + 1).trim())];
    if (at < 0 || !HEADER_NAME.test(name) || value === undefined || !isHeaderText(value)) return undefined;
    headers.push([name, value]);
  }
  return headers;
}

/** The text that stands for another with `%2C` and the like in it; undefined where that is no UTF-8. */
export function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
