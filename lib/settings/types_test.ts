import assert from "node:assert/strict";
import {
  boolean,
  choice,
  integer,
  list,
  listenAddress,
  number,
  seconds,
  type SettingType,
  text,
  url,
  uuid,
} from "$lib/settings/types.ts";

function valuesOf<T>({ parse }: SettingType<T>, ...texts: string[]): (T | undefined)[] {
  return texts.map((text) => parse(text)?.value);
}

Deno.test("text() takes any text but the empty one", () => {
  assert.deepEqual(valuesOf(text(), " a ", ""), [" a ", undefined]);
});

Deno.test("boolean() takes true and false only", () => {
  assert.deepEqual(valuesOf(boolean(), "true", "false", "yes", "1", ""), [
    true,
    false,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("integer() takes whole numbers from min to max", () => {
  const type = integer({ min: 1, max: 5 });

  const good = valuesOf(type, "1", "5");
  const bad = valuesOf(type, "0", "6", "1.0", "x", "").filter((value) => value !== undefined);

  assert.deepEqual([good, bad], [[1, 5], []]);
});

Deno.test("choice() takes its values as they are spelled", () => {
  assert.deepEqual(valuesOf(choice(["text", "json"]), "json", "JSON"), ["json", undefined]);
});

Deno.test("uuid() takes a UUID and gives it in lower case", () => {
  const id = "0E5D54EA-9F2B-4B5C-8B9F-0D5C8F3B1A11";

  assert.deepEqual(valuesOf(uuid(), id, `${id}0`, "x"), [id.toLowerCase(), undefined, undefined]);
});

Deno.test("url() takes absolute URLs of its schemes, with a host", () => {
  const hosts = valuesOf(url(["https", "http"]), "https://a:1/b", "http://b", "ftp://c", "a/b", "https:").map((one) =>
    one?.host
  );

  assert.deepEqual(hosts, ["a:1", "b", undefined, undefined, undefined]);
});

Deno.test("listenAddress() takes a host or an IPv6 address in brackets, and a port", () => {
  const texts = ["localhost:0", "[::1]:65535", "0.0.0.0:65536", "::1:80", ":80", "host", "http://host:80"];

  assert.deepEqual(valuesOf(listenAddress(), ...texts), [
    { hostname: "localhost", port: 0 },
    { hostname: "::1", port: 65535 },
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("list() takes items separated by commas, refusing all where one is bad", () => {
  assert.deepEqual(valuesOf(list(integer()), "1, 2 ,3", "", "1,,2", "1,x"), [[1, 2, 3], [], undefined, undefined]);
});

Deno.test("number() takes numbers within bounds as programs write them, and nothing else", () => {
  const type = number({ max: 1 });

  const good = valuesOf(type, "0", "1", "0.25", ".5", "1.", "1e-7", "1E-05", "10e-1");
  const bad = valuesOf(type, "1.1", "-0.5", "1e1", ".", "e-1", "0x1", "1e", "1 ", "", "NaN")
    .filter((value) => value !== undefined);

  assert.deepEqual([good, bad], [[0, 1, 0.25, 0.5, 1, 1e-7, 1e-5, 1], []]);
});

Deno.test("seconds() takes fractions within bounds and nothing else", () => {
  const type = seconds({ min: 0.1, max: 60 });

  const good = valuesOf(type, "0.1", "60", "1.5");
  const bad = valuesOf(type, "0.05", "61", "1e1", "-1", "", "1s").filter((value) => value !== undefined);

  assert.deepEqual([good, bad], [[0.1, 60, 1.5], []]);
});

Deno.test("seconds() takes nothing that a timer can't wait for", () => {
  assert.deepEqual(valuesOf(seconds(), "1000000", "1000001"), [1_000_000, undefined]);
});
