const ROOT = new URL("../../", import.meta.url);

/** Ends a terminal's whole process group when the test that opened it is gone, however that ended. */
const GUARD = `{ while kill -0 ${Deno.pid}; do sleep 1; done; kill -KILL -$$; } </dev/null >/dev/null 2>&1 &\n`;

/** A shell with one command line in it, as a terminal has it: Ctrl-C reaches everything that it started. */
export class Terminal implements AsyncDisposable {
  readonly #shell: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>[];
  #isOver = false;
  /** Everything it has shown, both streams. */
  output = "";

  /** Starts a shell in the repository's folder, in a process group of its own. */
  constructor(env: Readonly<Record<string, string>>) {
    this.#shell = new Deno.Command("setsid", {
      args: ["bash", "-e"],
      cwd: ROOT,
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#shell.stdin.getWriter();
    this.#input.write(new TextEncoder().encode(GUARD)).catch(() => {});
    this.#read = [this.#shell.stdout, this.#shell.stderr].map((stream) => this.#collect(stream));
    this.#shell.status.then(() => this.#isOver = true);
  }

  /** Whether the shell has ended: a command of it failed, or it was told to. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Types commands, and goes on at once. */
  async type(commands: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${commands}\n`)).catch(() => {});
  }

  /** Ends what runs in it, as Ctrl-C does. */
  async interrupt(): Promise<void> {
    this.#signal("SIGINT");
    await this.#input.close().catch(() => {});
    await this.#shell.status;
    await Promise.all(this.#read);
    this.#signal("SIGKILL"); // the guard, which no Ctrl-C reaches
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal("SIGKILL");
    await this.#input.close().catch(() => {});
    await this.#shell.status;
  }

  #signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.#shell.pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) this.output += piece;
  }
}
