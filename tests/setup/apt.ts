import { type Command, run, type Say, which, withRetries } from "./commands.ts";

const QUIET = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };

/** Debian's packages, as root. */
export interface Apt {
  /** Fetches the lists of packages. Once is enough: later calls do nothing. */
  update(): Promise<void>;
  /** Names of packages that match a regular expression; wants {@linkcode Apt.update} first. */
  search(pattern: string): Promise<string[]>;
  /** The version that would be installed, `undefined` when there is none. */
  candidate(name: string): Promise<string | undefined>;
  install(names: readonly string[]): Promise<void>;
  /** Unpacks packages into a folder and installs nothing. */
  unpack(names: readonly string[], folder: string): Promise<void>;
  /** Runs another command as root. */
  asRoot(command: Command): Promise<string>;
}

/**
 * Debian's package manager, by `sudo -n` for who is not root.
 *
 * @throws When there is no `apt-get` or no way to become root.
 */
export function openApt(say: Say): Apt {
  if (which("apt-get") === undefined) throw new Error("Cannot install packages: there is no apt-get on this machine");
  const prefix = rootPrefix();
  const asRoot = ({ program, args, ...rest }: Command) => {
    const [first = program, ...others] = [...prefix, program, ...args];
    return run({ program: first, args: others, ...rest });
  };
  let updated: Promise<string> | undefined;
  return {
    asRoot,
    async update() {
      updated ??= withRetries("apt-get update", say, () => asRoot(aptGet("update")));
      await updated;
    },
    search: async (pattern) => {
      const found = await run({ program: "apt-cache", args: ["search", "--names-only", pattern], env: QUIET });
      return found.split("\n").map((line) => line.split(" ")[0] ?? "").filter((name) => name !== "");
    },
    candidate: async (name) => {
      const policy = await run({ program: "apt-cache", args: ["policy", name], env: QUIET });
      return /Candidate: (?!\(none\))(\S+)/.exec(policy)?.[1];
    },
    install: async (names) => {
      const args = ["install", "--yes", "--no-install-recommends", ...names];
      await withRetries(`apt-get install ${names.join(" ")}`, say, () => asRoot(aptGet(...args)));
    },
    unpack: async (names, folder) => {
      await Deno.mkdir(folder);
      for (const name of names) {
        const command = { ...aptGet("download", name), cwd: folder };
        await withRetries(`apt-get download ${name}`, say, () => run(command));
        const file = await packageIn(folder, name);
        await run({ program: "dpkg-deb", args: ["--extract", file, folder] });
        await Deno.remove(file);
      }
    },
  };
}

async function packageIn(folder: string, name: string): Promise<string> {
  for await (const { name: file } of Deno.readDir(folder)) if (file.endsWith(".deb")) return `${folder}/${file}`;
  throw new Error(`Cannot find what "apt-get download ${name}" fetched`);
}

function aptGet(...args: string[]): Command {
  const environment = Object.entries(QUIET).map(([name, value]) => `${name}=${value}`);
  return { program: "env", args: [...environment, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", ...args] };
}

function rootPrefix(): string[] {
  if (Deno.uid() === 0) return [];
  if (which("sudo") === undefined) throw new Error("Cannot install packages: this is not root, and there is no sudo");
  return ["sudo", "-n"];
}
