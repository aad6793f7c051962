import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import {
  AGENT_ONLY,
  boolean,
  BROKER_ONLY,
  type CommandDeclaration,
  type Declarations,
  flagOf,
  integer,
  list,
  listenAddress,
  PAGE_SETTINGS,
  readSettings,
  setting,
  type SettingSources,
  text,
  url,
  uuid,
  variableOf,
} from "$lib/settings.ts";

const SETTINGS = [
  ...PAGE_SETTINGS,
  setting({ key: "broker.listen", type: listenAddress(), default: "0.0.0.0:3000", help: "Where." }),
  setting({ key: "database.url", type: url(["postgres"]), secret: true, help: "Which." }),
  setting({ key: "database.pool_size", type: integer({ min: 1, max: 100 }), default: 10, help: "How many." }),
  setting({ key: "data_dir", type: text(), default: ".brokkr", help: "Where." }),
  setting({ key: "cors.allowed_origins", type: list(text()), default: "", help: "Who." }),
] as const;

const BROKER: Declarations<typeof SETTINGS> = { settings: SETTINGS, passedOver: AGENT_ONLY };

const COMMANDS: readonly [CommandDeclaration, ...CommandDeclaration[]] = [
  { words: "serve", help: "Serves.", options: [] },
  {
    words: "create agent",
    help: "Makes an agent.",
    options: [
      setting({ key: "name", type: text(), required: true, help: "Its name." }),
      setting({ key: "active", type: boolean(), default: false, help: "Whether it is active." }),
    ],
  },
  {
    words: "rotate agent",
    help: "Rotates its key.",
    arguments: [{ name: "AGENT", help: "Which." }],
    options: [],
  },
];

interface Given extends Partial<SettingSources> {
  readonly file?: string;
}

function read({ args = [], env = {}, file }: Given = {}, declarations = BROKER) {
  const named = file === undefined ? env : { ...env, BROKKR_CONFIG_FILE: "/etc/brokkr.toml" };
  return readSettings(declarations, { args, env: named, readFile: () => file ?? "", commands: COMMANDS });
}

function faultsOf(given: Given, declarations = BROKER): unknown {
  try {
    read(given, declarations);
  } catch (error) {
    assert.ok(error instanceof Failure && error.code === "invalid_settings");
    return error.details?.errors;
  }
  return [];
}

Deno.test("readSettings() takes defaults where nothing is given", () => {
  const { settings, command, printsSettings } = read();

  assert.deepEqual(settings, {
    "log.level": "info",
    "log.format": "text",
    "metrics.enabled": true,
    "metrics.port": undefined,
    "metrics.bearer_token_file": undefined,
    "broker.listen": { hostname: "0.0.0.0", port: 3000 },
    "database.url": undefined,
    "database.pool_size": 10,
    "data_dir": ".brokkr",
    "cors.allowed_origins": [],
  });
  assert.deepEqual([command?.words, printsSettings], ["serve", false]);
});

Deno.test("readSettings() takes a flag before the environment before the file", () => {
  const file = `data_dir = "file"\n[log]\nlevel = "error"\n[database]\npool_size = 3`;
  const env = { BROKKR__DATA_DIR: "environment", BROKKR__LOG__LEVEL: "warn" };

  const { settings } = read({ args: ["--data-dir", "flag"], env, file });

  assert.equal(settings["data_dir"], "flag");
  assert.equal(settings["log.level"], "warn");
  assert.equal(settings["database.pool_size"], 3);
});

Deno.test("readSettings() reads --flag value, --flag=value and the bare flag of a boolean, the last of each", () => {
  const { settings, command } = read({
    args: ["--data-dir=a=b", "--metrics-enabled=false", "--metrics-enabled", "serve", "--log-level", "debug"],
  });

  assert.deepEqual([settings["data_dir"], settings["metrics.enabled"], settings["log.level"]], ["a=b", true, "debug"]);
  assert.equal(command?.words, "serve");
});

Deno.test("readSettings() reads the flags of a command, wherever its words stand", () => {
  const args = ["create", "--active", "agent", "--name", "eu", "--data-dir", "/data"];

  const { command, options, settings } = read({ args });

  assert.equal(command?.words, "create agent");
  assert.deepEqual(options, { name: "eu", active: true });
  assert.equal(settings["data_dir"], "/data");
});

Deno.test("readSettings() takes a command's flags from the command line only, and from that command only", () => {
  assert.deepEqual(faultsOf({ args: ["create", "agent"], env: { BROKKR__NAME: "eu" } }), [
    "unknown setting name (BROKKR__NAME)",
    "--name is required",
  ]);
  assert.deepEqual(faultsOf({ args: ["serve", "--name=eu"] }), ["unknown flag --name"]);
  assert.deepEqual(faultsOf({ args: ["create", "agent", "--name=eu", "--active=yes"] }), [
    'active must be true or false, not "yes" (--active)',
  ]);
});

Deno.test("readSettings() shows of a value that is refused so much as fits on a line", () => {
  const faults = faultsOf({ args: ["create", "agent", "--name=eu", `--active=a\n"b"${"x".repeat(5_000)}`] });

  assert.match(String(faults), /^active must be true or false, not "a\\n\\"b\\"x{100,200}…" \(--active\)$/);
});

Deno.test("readSettings() reads the words behind a command that has some, and refuses too few, too many, or any behind others", () => {
  const { command, arguments: words } = read({ args: ["rotate", "agent", "--data-dir=d", "--", "-eu 1"] });

  assert.deepEqual([command?.words, words], ["rotate agent", ["-eu 1"]]);
  assert.deepEqual(faultsOf({ args: ["rotate", "agent"] }), ["AGENT is missing: Which."]);
  assert.deepEqual(faultsOf({ args: ["rotate", "agent", "a", "b"] }), ['"b" is one word too many']);
  assert.match(String(faultsOf({ args: ["create", "agent", "a", "--name=eu"] })), /unknown command "create agent a"/);
  assert.deepEqual(read({ args: ["serve"] }).arguments, []);
});

Deno.test("readSettings() refuses every word where there are no commands", () => {
  const read = () => readSettings(BROKER, { args: ["serve"], env: {}, readFile: () => "" });

  assert.throws(read, /unknown command "serve"/);
});

Deno.test("readSettings() reads a TOML array as a list", () => {
  const { settings } = read({ file: `[cors]\nallowed_origins = ["https://a", "https://b"]` });

  assert.deepEqual(settings["cors.allowed_origins"], ["https://a", "https://b"]);
});

Deno.test("readSettings() names every fault of every source at once, and where each came from", () => {
  const faults = faultsOf({
    args: ["start", "--data-dirr", "x", "--broker-listen=3000", "--data-dir"],
    env: { BROKKR__LOG__LEVEL: "loud", BROKKR__METRICS__PORTT: "1" },
    file: "[log]\nlevel = 7\n[database]\npool_size = 0\nhost = 1\n[[cors.allowed_origins]]\na = 1",
  });

  assert.deepEqual(faults, [
    'unknown command "start"; there is serve, create agent, rotate agent',
    "unknown flag --data-dirr",
    "--data-dir needs a value",
    "unknown setting metrics.portt (BROKKR__METRICS__PORTT)",
    "unknown setting database.host (/etc/brokkr.toml)",
    'log.level must be one of debug, info, warn, error, not "loud" (BROKKR__LOG__LEVEL)',
    'log.level must be one of debug, info, warn, error, not "7" (/etc/brokkr.toml)',
    'broker.listen must be an address and a port, such as 0.0.0.0:3000, not "3000" (--broker-listen)',
    'database.pool_size must be a whole number from 1 to 100, not "0" (/etc/brokkr.toml)',
    "cors.allowed_origins must be a list, separated by commas, of which each is a text (/etc/brokkr.toml)",
  ]);
});

Deno.test("readSettings() refuses a key below a setting and a setting's name for a section", () => {
  const faults = faultsOf({ env: { BROKKR__BROKER__LISTEN__PORT: "1", BROKKR__METRICS: "1" } });

  assert.deepEqual(faults, [
    "unknown setting broker.listen.port (BROKKR__BROKER__LISTEN__PORT)",
    "unknown setting metrics (BROKKR__METRICS)",
  ]);
});

Deno.test("readSettings() passes over the other program's sections, in environment and file", () => {
  const env = { BROKKR__AGENT__PAK: "x", OTHER: "y", BROKKR_CONFIG_FILES: "z" };
  const file = `[agent]\nanything = { at = "all" }`;
  const agent = { settings: PAGE_SETTINGS, passedOver: BROKER_ONLY };
  const shared = { BROKKR__DATA_DIR: "d", BROKKR__METRICS__REFRESH_INTERVAL: "1", BROKKR__AGENTS__LOST: "2" };

  const broker = faultsOf({ env, file });
  const { settings } = readSettings(agent, { args: [], env: shared, readFile: () => "" });

  assert.deepEqual(broker, []);
  assert.equal(settings["metrics.enabled"], true);
});

Deno.test("readSettings() does not pass over a section whose name only begins like the other program's", () => {
  assert.deepEqual(faultsOf({ env: { BROKKR__AGENTS__X: "1" } }), ["unknown setting agents.x (BROKKR__AGENTS__X)"]);
});

Deno.test("readSettings() refuses a flag of the other program, without its value", () => {
  assert.deepEqual(faultsOf({ args: ["--agent-pak=x"] }), ["unknown flag --agent-pak"]);
  assert.deepEqual(faultsOf({ args: ["--agent-pak", "x"] }), ["unknown flag --agent-pak"]);
});

Deno.test("readSettings() does not take a flag for the value of the one before", () => {
  assert.deepEqual(faultsOf({ args: ["--data-dir", "--print-settings"] }), ["--data-dir needs a value"]);
  assert.deepEqual(faultsOf({ args: ["--data-dir", "--log-level", "info"] }), ["--data-dir needs a value"]);
});

Deno.test("readSettings() names a required setting that nobody gave, and only once where its value is bad", () => {
  const settings = [setting({ key: "agent.generator", type: uuid(), required: true, help: "Whose." })] as const;
  const declarations = { settings, passedOver: [] };
  const faults = (env: Record<string, string>) => {
    try {
      readSettings(declarations, { args: [], env, readFile: () => "" });
    } catch (error) {
      return error instanceof Failure ? error.details?.errors : error;
    }
  };

  assert.deepEqual(faults({}), [
    "agent.generator is required (--agent-generator, BROKKR__AGENT__GENERATOR, or agent.generator in the settings file)",
  ]);
  assert.deepEqual(faults({ BROKKR__AGENT__GENERATOR: "me" }), [
    'agent.generator must be a UUID, not "me" (BROKKR__AGENT__GENERATOR)',
  ]);
});

Deno.test("readSettings() applies the rules between settings once each is good by itself", () => {
  const declarations = {
    ...BROKER,
    rules: ({ "database.pool_size": size }: { readonly "database.pool_size": number }) => size > 5 ? ["too many"] : [],
  };

  assert.deepEqual(faultsOf({ env: { BROKKR__DATABASE__POOL_SIZE: "6" } }, declarations), ["too many"]);
  assert.deepEqual(faultsOf({ env: { BROKKR__DATABASE__POOL_SIZE: "5" } }, declarations), []);
});

Deno.test("readSettings() names the file that can't be read or parsed, and never quotes it", () => {
  const env = { BROKKR_CONFIG_FILE: "/etc/brokkr.toml" };
  const readFile = () => {
    throw new Deno.errors.NotFound("No such file or directory");
  };
  const absent = assert.throws.bind(undefined, () => readSettings(BROKER, { args: [], env, readFile }));

  absent(/BROKKR_CONFIG_FILE names "\/etc\/brokkr.toml", which can't be read: No such file or directory/);
  const [malformed] = faultsOf({ file: `[agent]\npak = brokkr_BRabcdef_secret` }) as string[];
  assert.match(malformed ?? "", /can't be read: Invalid TOML document: .* at line 2, column \d+$/);
  assert.doesNotMatch(malformed ?? "", /secret/);
});

Deno.test("readSettings() shows no secret in a fault, and no password of any URL", () => {
  const faults = faultsOf({
    env: { BROKKR__DATABASE__URL: "hunter2", BROKKR__BROKER__LISTEN: "http://me:hunter2@host" },
  });

  assert.doesNotMatch(JSON.stringify(faults), /hunter2/);
  assert.equal((faults as string[]).length, 2);
});

Deno.test("readSettings() prints every setting with its value and source, secrets masked", () => {
  const { text, printsSettings } = read({
    args: ["--print-settings", "--data-dir", "/data"],
    env: { BROKKR__DATABASE__URL: "postgres://me:hunter2@db/x" },
    file: `[log]\nformat = "json"`,
  });

  assert.equal(printsSettings, true);
  assert.deepEqual(text.trimEnd().split("\n"), [
    "log.level = info (default)",
    "log.format = json (/etc/brokkr.toml)",
    "metrics.enabled = true (default)",
    "metrics.port is not set",
    "metrics.bearer_token_file is not set",
    "broker.listen = 0.0.0.0:3000 (default)",
    "database.url = *** (BROKKR__DATABASE__URL)",
    "database.pool_size = 10 (default)",
    "data_dir = /data (--data-dir)",
    "cors.allowed_origins =  (default)",
  ]);
});

Deno.test("flagOf() and variableOf() name a setting as its users do", () => {
  assert.deepEqual([flagOf("metrics.refresh_interval"), variableOf("metrics.refresh_interval")], [
    "--metrics-refresh-interval",
    "BROKKR__METRICS__REFRESH_INTERVAL",
  ]);
  assert.equal(variableOf("data_dir"), "BROKKR__DATA_DIR");
});
