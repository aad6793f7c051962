import { getPrometheus, type PrometheusMajor } from "./binaries.ts";

/** What a check said. */
export interface Verdict {
  /** 0 when nothing is wrong; 3 when `checkMetrics` complains of style, 1 when it cannot read the page. */
  readonly code: number;
  /** What it wrote to both its streams, without empty lines. */
  readonly lines: readonly string[];
}

/** The checker that comes with Prometheus. */
export interface Promtool {
  /** Reads a page in the text format 0.0.4, whose OpenMetrics it does not know, and complains of what is unusual. */
  checkMetrics(page: string): Promise<Verdict>;
  /** Reads a rules file. */
  checkRules(path: string): Promise<Verdict>;
  /** Runs files of rule tests; rules files that one names are relative to it. */
  testRules(...paths: readonly string[]): Promise<Verdict>;
  /** Reads a configuration, with the rules and other files that it names. */
  checkConfig(path: string): Promise<Verdict>;
}

/**
 * The `promtool` of a Prometheus.
 *
 * @throws When it is not on this machine.
 */
export function promtool(version: PrometheusMajor): Promtool {
  const { promtool: program } = getPrometheus(version);
  return {
    checkMetrics: (page) => check(program, ["check", "metrics"], page),
    checkRules: (path) => check(program, ["check", "rules", path]),
    testRules: (...paths) => check(program, ["test", "rules", ...paths]),
    checkConfig: (path) => check(program, ["check", "config", path]),
  };
}

async function check(program: string, args: readonly string[], input = ""): Promise<Verdict> {
  const child = new Deno.Command(program, { args: [...args], stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const [{ code, stdout, stderr }] = await Promise.all([child.output(), write(child.stdin, input)]);
  const written = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code, lines: written.split("\n").filter((line) => line.trim() !== "") };
}

/** A program that has seen enough closes its input early; what it says then is in its answer. */
async function write(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  try {
    await new Blob([text]).stream().pipeTo(stream);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
