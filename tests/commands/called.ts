import type { Clock } from "$lib/clock.ts";
import type { OutputStream, Terminal } from "$lib/terminal.ts";
import { runClient } from "../../broker/commands/client/program.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** What a broker answers; undefined for what it does not know, `away` where none answers. */
export type Answers = (asked: AskedOfBroker) => Reply | "away" | undefined;

/** A request as a broker sees it. */
export interface AskedOfBroker {
  readonly method: string;
  /** Below `/api/v1/`, with its query. */
  readonly path: string;
  readonly body: string;
  readonly headers: Headers;
}

/** An answer: 200 where no status is given. */
export interface Reply {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How the client is called. */
export interface Calling {
  readonly answers?: (asked: AskedOfBroker) => ReturnType<Answers> | Promise<ReturnType<Answers>>;
  /** Both streams are terminals of this size. */
  readonly size?: { readonly columns: number; readonly rows: number };
  readonly env?: Readonly<Record<string, string>>;
  /** What is typed when it asks, a line each time. */
  readonly typed?: readonly string[];
  readonly piped?: string;
  /** Whoever reads the answer has gone. */
  readonly breaksOutput?: boolean;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface Called {
  readonly code: number;
  readonly output: string;
  readonly notes: string;
  /** Both, in their order. */
  readonly shown: string;
  readonly asked: readonly AskedOfBroker[];
}

/** The time of everything: answers say it in their `Date`. */
export const NOW = "2026-01-01T12:00:00.000Z";
const NOT_FOUND: Reply = { status: 404, body: { code: "not_found", message: "Cannot find that" } };

/** Calls the client by a command line, words split at spaces; `'…'` keeps one together. */
export async function called(line: string, calling: Calling = {}): Promise<Called> {
  const { answers = () => undefined, size, env = {}, typed = [], piped = "", clock, signal, breaksOutput = false } =
    calling;
  const asked: AskedOfBroker[] = [];
  const written: { readonly stream: "output" | "notes"; readonly text: string }[] = [];
  const code = await runClient({ args: wordsOf(line), env }, {
    terminal: terminalOf(written, { size, typed: [...typed], piped, breaksOutput }),
    clock: clock ?? new ManualClock({ nowMs: Date.parse(NOW), skipsSleeps: true }),
    signal: signal ?? new AbortController().signal,
    newId: () => "00000000-0000-4000-8000-00000000000f",
    open: () =>
      Promise.resolve({
        ...{ url: new URL("http://127.0.0.1:3000"), name: "http://127.0.0.1:3000", pak: "a-key" },
        explain: () => undefined,
        fetch: (request) => answer(request, answers, asked),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  });
  const textOf = (stream?: "output" | "notes") =>
    written.filter((one) => stream === undefined || one.stream === stream).map(({ text }) => text).join("");
  return { code, output: textOf("output"), notes: textOf("notes"), shown: textOf(), asked };
}

function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
}

async function answer(
  request: Request,
  answers: NonNullable<Calling["answers"]>,
  asked: AskedOfBroker[],
): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const path = decodeURIComponent(`${pathname.slice("/api/v1/".length)}${search}`);
  const one = { method: request.method, path, body: await request.text(), headers: request.headers };
  asked.push(one);
  const reply = await answers(one) ?? NOT_FOUND;
  if (reply === "away") {
    throw new TypeError("fetch failed", { cause: new Error("tcp connect error: Connection refused (os error 111)") });
  }
  const { status = 200, body, headers } = reply;
  const text = body === undefined ? null : JSON.stringify(body);
  return new Response(text, { status, headers: { date: new Date(NOW).toUTCString(), ...headers } });
}

interface TerminalOptions extends Pick<Calling, "size"> {
  readonly typed: string[];
  readonly piped: string;
  readonly breaksOutput: boolean;
}

function terminalOf(
  written: { readonly stream: "output" | "notes"; readonly text: string }[],
  { size, typed, piped, breaksOutput }: TerminalOptions,
): Terminal {
  const streamOf = (stream: "output" | "notes"): OutputStream => ({
    isTerminal: size !== undefined,
    size: () => size,
    write(text) {
      if (breaksOutput && stream === "output") throw new Deno.errors.BrokenPipe("Broken pipe");
      written.push({ stream, text });
    },
  });
  return {
    output: streamOf("output"),
    notes: streamOf("notes"),
    isInteractive: typed.length > 0,
    readLine: () => Promise.resolve(typed.shift()),
    readAll: () => Promise.resolve(new TextEncoder().encode(piped)),
  };
}
