import { Failure, messageOf } from "$lib/error.ts";

/** A way for text to a person or to a program. */
export interface OutputStream {
  /** Whether a person looks at it. */
  readonly isTerminal: boolean;
  /** Its size in characters, as it is now; undefined where it is no terminal. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  /**
   * @throws {Deno.errors.BrokenPipe} When nobody reads any more.
   * @throws {Failure} `unavailable` for what can't be written otherwise, as to a disk that is full.
   */
  write(text: string): void;
}

/** What a command is called from. */
export interface Terminal {
  /** For the answer alone, so that `$(…)` and pipes have it and nothing else. */
  readonly output: OutputStream;
  /** For everything else. What can't be written there is lost: the exit code stays what it is. */
  readonly notes: OutputStream;
  /** Whether somebody can be asked. */
  readonly isInteractive: boolean;
  /** A line that somebody types; undefined where nothing more comes. */
  readLine(): Promise<string | undefined>;
  /** All that is piped in. */
  readAll(): Promise<Uint8Array<ArrayBuffer>>;
}

/** This process's own. */
export function systemTerminal(): Terminal {
  return {
    output: streamOf(Deno.stdout),
    notes: unlessUnread(streamOf(Deno.stderr)),
    isInteractive: Deno.stdin.isTerminal(),
    readLine,
    async readAll() {
      return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
    },
  };
}

/**
 * A signal that aborts when this process is to end, with the signal's name as its reason; a second one ends it at once.
 */
export function endingSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (controller.signal.aborted) Deno.exit(INTERRUPTED);
      controller.abort(new DOMException(`Ended by ${name}`, "AbortError"));
    });
  }
  return controller.signal;
}

const INTERRUPTED = 130;

function streamOf(stream: typeof Deno.stdout | typeof Deno.stderr): OutputStream {
  const isTerminal = stream.isTerminal();
  return {
    isTerminal,
    size: () => isTerminal ? windowSize() : undefined,
    write(text) {
      try {
        let bytes = new TextEncoder().encode(text);
        while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
      } catch (cause) {
        if (cause instanceof Deno.errors.BrokenPipe) throw cause;
        throw new Failure("unavailable", `Cannot write the answer: ${messageOf(cause)}`, { cause });
      }
    },
  };
}

function unlessUnread(stream: OutputStream): OutputStream {
  return {
    ...stream,
    write(text) {
      try {
        stream.write(text);
      } catch {
        // there is nobody to say that to
      }
    },
  };
}

/** What a terminal has that does not say its size, as one over a serial line, or of a `script` without a window. */
const USUAL = { columns: 80, rows: 24 };

function windowSize(): { readonly columns: number; readonly rows: number } {
  try {
    const size = Deno.consoleSize();
    return size.columns > 0 && size.rows > 0 ? size : USUAL;
  } catch {
    return USUAL; // the one stream that Deno asks is none, though another is
  }
}

const LINE_MAX = 1_000;

async function readLine(): Promise<string | undefined> {
  const buffer = new Uint8Array(LINE_MAX);
  const count = await Deno.stdin.read(buffer);
  return count === null ? undefined : new TextDecoder().decode(buffer.subarray(0, count)).trim();
}
