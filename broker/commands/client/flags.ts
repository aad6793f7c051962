import { boolean, choice, type SettingType, text, url } from "$lib/settings/types.ts";
import { flag } from "./declaration.ts";

const FORMATS = ["table", "json", "yaml"] as const;
/** How answers look. */
export type Format = (typeof FORMATS)[number];

/** The agent that a command is about. */
export const AGENT = { name: "AGENT", help: "An agent, by its name or id." };
/** The generator that a command is about. */
export const GENERATOR = { name: "GENERATOR", help: "A generator, by its name or id." };
/** The stack that a command is about. */
export const STACK = { name: "STACK", help: "A stack, by its name or id." };

/** Where the broker is. */
export const BROKER_URL = flag({
  key: "broker_url",
  type: url(["http", "https"]),
  value: "URL",
  variable: "BROKKR_URL",
  help: "The broker; without it, the one that runs in the data folder, through its admin socket.",
});

/** How the broker is reached: flags of every command. */
export const CONNECTION_FLAGS = [
  BROKER_URL,
  flag({
    key: "pak_file",
    type: text(),
    value: "FILE",
    variable: "BROKKR_PAK_FILE",
    help: "A file with the key; without it, the key is in BROKKR_PAK.",
  }),
  flag({
    key: "ca_file",
    type: text(),
    value: "FILE",
    variable: "BROKKR_CA_FILE",
    help: "A PEM file with the authority of the broker's certificate, beside those trusted here.",
  }),
  flag({
    key: "client_cert_file",
    type: text(),
    value: "FILE",
    variable: "BROKKR_CLIENT_CERT_FILE",
    help: "A PEM file with the certificate to show where the broker asks for one.",
  }),
  flag({
    key: "client_key_file",
    type: text(),
    value: "FILE",
    variable: "BROKKR_CLIENT_KEY_FILE",
    help: "The key of that certificate, as PEM.",
  }),
  flag({
    key: "allow_insecure_broker",
    type: boolean(),
    default: false,
    help: "Let the key go over plain http:// to a host that is not loopback.",
  }),
  flag({
    key: "data_dir",
    type: text(),
    value: "DIR",
    variable: "BROKKR__DATA_DIR",
    default: ".brokkr",
    help: "The data folder of a broker on this machine.",
  }),
] as const;

/** How the answer looks. */
export const OUTPUT = flag({
  key: "output",
  short: "o",
  type: choice(FORMATS),
  choices: FORMATS,
  value: "FORMAT",
  default: "table",
  help: `How the answer looks: ${FORMATS.join(", ")}.`,
});

/** Going on after the first answer. */
export const WATCH = flag({
  key: "watch",
  short: "w",
  type: boolean(),
  default: false,
  help: "Go on until Ctrl-C: redrawn on a terminal, else a line for each change.",
});

/** What a delivery is waited to be. */
export const GOALS = ["applied", "healthy"] as const;
/** One of {@linkcode GOALS}. */
export type Goal = (typeof GOALS)[number];

/** A duration in milliseconds: `90s`, `5m`, `1h30m`, or seconds alone. */
export function duration(): SettingType<number> {
  return {
    expects: "a duration such as 90s, 5m or 1h30m",
    parse(text) {
      const [whole, hours = 0, minutes = 0, seconds = 0] = DURATION.exec(text) ?? [];
      const ms = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
      return whole === undefined || whole === "" || ms > LONGEST_MS ? undefined : { value: ms };
    },
  };
}

const DURATION = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s?)?$/;
const LONGEST_MS = 7 * 24 * 3_600_000;

/** One text of a flag that may be given several times. */
export function each(): SettingType<readonly string[]> {
  return { expects: "a text", parse: (text) => text === "" ? undefined : { value: [text] } };
}
