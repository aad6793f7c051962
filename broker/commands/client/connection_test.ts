import assert from "node:assert/strict";
import type { SettingsOf } from "$lib/settings/declaration.ts";
import { isClientLine, readCommandLine } from "./command_line.ts";
import { CLIENT_COMMANDS } from "./commands.ts";
import { openConnection } from "./connection.ts";
import { CONNECTION_FLAGS, duration } from "./flags.ts";

type Options = SettingsOf<typeof CONNECTION_FLAGS>;

function read(line: string, env: Readonly<Record<string, string>> = {}) {
  return readCommandLine(line.split(" "), { commands: CLIENT_COMMANDS, env });
}

Deno.test("a key goes over http:// only to this machine, or where that is said", async () => {
  const env = { BROKKR_PAK: "a-key" };
  const open = async (line: string) => {
    await using connection = await openConnection(read(`get agents ${line}`).connection as Options, env);
    return connection.name;
  };

  for (const url of ["http://127.0.0.1:3000", "http://localhost/x", "http://[::1]:1", "https://broker.example"]) {
    assert.equal(await open(`--broker-url ${url}`), url);
  }
  for (
    const url of [
      "http://broker.example",
      "http://127.0.0.1.example",
      "http://10.0.0.1",
      "https://me:pw@broker.example",
    ]
  ) {
    const refusal = await open(`--broker-url ${url}`).catch((error) => error);
    assert.equal(refusal.code, "invalid_settings");
    assert.ok(!refusal.message.includes("pw"));
  }
  assert.equal(await open("--broker-url http://broker.example --allow-insecure-broker"), "http://broker.example");
});

Deno.test("the key is that of the file or of BROKKR_PAK, and there must be one that a header can hold", async () => {
  const path = await Deno.makeTempFile();
  const pak = async (line: string, env: Readonly<Record<string, string>>) => {
    const options = read(`get agents --broker-url https://b.example${line}`, env).connection as Options;
    await using connection = await openConnection(options, env);
    return connection.pak;
  };
  try {
    await Deno.writeTextFile(path, "in-file\n");
    assert.equal(await pak("", { BROKKR_PAK: " in-env " }), "in-env");
    assert.equal(await pak(` --pak-file ${path}`, { BROKKR_PAK: "in-env" }), "in-file");
    assert.equal(await pak("", { BROKKR_PAK_FILE: path }), "in-file");
    for (const bad of [{}, { BROKKR_PAK: "" }, { BROKKR_PAK: "s3cret\nand more" }, { BROKKR_PAK_FILE: `${path}x` }]) {
      const refusal = await pak("", bad as Readonly<Record<string, string>>).catch((error) => error);
      assert.equal(refusal.code, "invalid_settings");
      assert.ok(!refusal.message.includes("s3cret"));
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("without a URL the broker of the data folder is asked; where none runs, that is said, and no database opened", async () => {
  const folder = await Deno.makeTempDir();
  const options = read(`get agents --data-dir ${folder}`, { BROKKR_URL: "" }).connection as Options;

  await assert.rejects(openConnection(options, {}), {
    message:
      `Cannot reach a broker: no broker is named (--broker-url, BROKKR_URL), and none runs in "${folder}" (--data-dir)`,
  });

  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  await Deno.remove(folder);
});

Deno.test("a command is known by its words, whatever flags stand before them; other lines are the broker's own", () => {
  const isClient = (line: string) =>
    isClientLine(line.split(" ").filter((word) => word !== ""), { commands: CLIENT_COMMANDS, env: {} });

  assert.deepEqual(
    ["get agents", "-o json get agents", "--broker-url http://x top", "get", "get --help"].map(isClient),
    Array(5).fill(true),
  );
  assert.deepEqual(
    ["", "serve", "create agent --name get", "--help", "--broker-listen 1.2.3.4:5"].map(isClient),
    Array(5).fill(false),
  );
});

Deno.test("a flag before its variable before its default; one that may come several times keeps their order", () => {
  const apply = read("apply -f a.yaml --filename=b.yaml -fc.yaml -s shop --target agent=x --timeout 1h30m --");
  assert.deepEqual(apply.options.filename, ["a.yaml", "b.yaml", "c.yaml"]);
  assert.deepEqual([apply.options.timeout, apply.options.wait, apply.options.output], [5_400_000, undefined, "table"]);
  assert.equal(read("get agents", { BROKKR__DATA_DIR: "/data" }).connection.data_dir, "/data");
  assert.equal(read("get agents --data-dir x --data-dir y", { BROKKR__DATA_DIR: "/data" }).connection.data_dir, "y");
  assert.deepEqual(read("explain -- -odd").arguments, ["-odd"]);
});

Deno.test("duration() reads hours, minutes and seconds, and refuses what is none or too long", () => {
  const texts = ["90", "90s", "5m", "1h30m", "0s", "", "m", "5d", "-1s", "1.5m", "200h"];

  assert.deepEqual(texts.map((text) => duration().parse(text)?.value), [
    ...[90_000, 90_000, 300_000, 5_400_000, 0, undefined, undefined, undefined, undefined, undefined, undefined],
  ]);
});
