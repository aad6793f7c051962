import { eventually } from "../system/wait.ts";
import type { Step } from "./script.ts";
import { Terminal } from "./terminal.ts";

const PATIENCE = { seconds: 240, everyMs: 100 };
const DONE = "the reader has read this";

/** Does what a page says, word for word, in terminals like the reader's. */
export class Reader implements AsyncDisposable {
  readonly #env: Readonly<Record<string, string>>;
  readonly #first: Terminal;
  readonly #others = new Map<string, Terminal>();
  readonly #starts = new Map<string, Step & { kind: "start" }>();

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
    this.#first = new Terminal(env);
  }

  /** @throws {Error} When a command fails, or shows something else than the page says, with the page's line. */
  async follow(step: Step): Promise<void> {
    try {
      await this.#do(step);
    } catch (error) {
      throw new Error(`line ${step.line} of the page: ${(error as Error).message}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const terminal of [this.#first, ...this.#others.values()]) await terminal[Symbol.asyncDispose]();
  }

  async #do(step: Step): Promise<void> {
    if (step.kind === "type") return await this.#type(step);
    if (step.kind === "start") return await this.#start(step);
    if (step.kind === "end") return await this.#others.get(step.terminal)?.interrupt();
    const start = this.#starts.get(step.terminal);
    if (start === undefined) throw new Error(`nothing ran in terminal "${step.terminal}"`);
    await this.#start(start);
  }

  async #start(step: Step & { kind: "start" }): Promise<void> {
    const { terminal: name, commands, shown = "" } = step;
    await this.#others.get(name)?.[Symbol.asyncDispose]();
    const terminal = new Terminal(this.#env);
    this.#others.set(name, terminal);
    this.#starts.set(name, step);
    await terminal.type(commands);
    await until(terminal, shown);
  }

  async #type({ commands, shown }: Step & { kind: "type" }): Promise<void> {
    const from = this.#first.output.length;
    await this.#first.type(`${commands}\nprintf '\\n%s\\n' '${DONE}'`);
    const text = await until(this.#first, DONE, from);
    const output = text.split(DONE)[0]?.trim() ?? "";
    if (shown !== undefined && output !== shown) throw new Error(`shows\n${output}\nand the page says\n${shown}`);
  }
}

/** Waits until the terminal shows `text`; what it showed since `from`. */
async function until(terminal: Terminal, text: string, from = 0): Promise<string> {
  const since = () => terminal.output.slice(from);
  await eventually(`it shows "${text}"`, () => since().includes(text) || terminal.isOver, PATIENCE).catch((cause) => {
    throw new Error(`${cause.message}; it shows\n${since()}`, { cause });
  });
  if (!since().includes(text)) throw new Error(`a command failed; the terminal shows\n${since()}`);
  return since();
}
