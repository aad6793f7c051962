import { aborted, type Clock, deadline, unlessAborted } from "$lib/clock.ts";
import type { Listener } from "$lib/database.ts";
import { newId, random } from "$lib/ids.ts";
import type { Log } from "$lib/log.ts";
import { runLoop } from "$lib/retry.ts";
import { type Connect, type Driver, quotedName, quotedText, type Statements } from "./driver.ts";
import { translated } from "./failures.ts";

/** A text for everyone who listens on a channel. */
export interface Notice {
  readonly channel: string;
  readonly payload: string;
}

/** What one transaction sends. */
export interface Outbox {
  /** Puts one notice in, inside the transaction. */
  put(tx: Statements, notice: Notice): Promise<void>;
  /** Called once, after the commit. */
  deliver(): void;
}

/** How notices travel from a transaction to those who listen. */
export interface Notices {
  outbox(): Outbox;
  /** Sends notices that belong to no transaction. */
  send(statements: Statements, notices: readonly Notice[]): Promise<void>;
  /** Hears `channel` until the signal aborts. */
  listen(channel: string, listener: Listener, signal: AbortSignal): Promise<void>;
}

/** Notices within this process: the embedded database has one process and one connection. */
export function localNotices(): Notices {
  const channels = new Map<string, Set<Listener>>();
  return {
    outbox: () => localOutbox(channels),
    async send(statements, notices) {
      const outbox = localOutbox(channels);
      for (const notice of notices) await outbox.put(statements, notice);
      outbox.deliver();
    },
    async listen(channel, listener, signal) {
      const listeners = channels.get(channel) ?? new Set();
      channels.set(channel, listeners.add(listener));
      listener.onState(true);
      listener.onEcho?.(Infinity);
      await aborted(signal);
      listeners.delete(listener);
      listener.onState(false);
    },
  };
}

function localOutbox(channels: ReadonlyMap<string, ReadonlySet<Listener>>): Outbox {
  const notices = new Map<string, Notice>();
  return {
    put(_tx, notice) {
      notices.set(JSON.stringify([notice.channel, notice.payload]), notice);
      return Promise.resolve();
    },
    deliver() {
      for (const { channel, payload } of notices.values()) {
        for (const listener of channels.get(channel) ?? []) queueMicrotask(() => listener.onNotice(payload));
      }
    },
  };
}

/** Milliseconds between two notices that the listening connection sends to itself, and for the server's answer. */
const ECHO_EVERY_MS = 500;
const ANSWER_DEADLINE_MS = 5_000;
const RECONNECT = { minMs: 100, maxMs: 5_000 };

/** What listening on a server needs. */
export interface ServerNoticesParts {
  readonly connect: Connect;
  readonly clock: Clock;
  readonly log: Log;
}

/** Notices through PostgreSQL: sent by `notify` in the transaction, heard on a connection of their own. */
export function serverNotices({ connect, clock, log }: ServerNoticesParts): Notices {
  const command = ({ channel, payload }: Notice) => `notify ${quotedName(channel)}, ${quotedText(payload)}`;
  return {
    outbox: () => ({ put: (tx, notice) => tx.command(command(notice)), deliver: () => {} }),
    send: (statements, notices) => statements.command(notices.map(command).join("; ")),
    async listen(channel, listener, signal) {
      await runLoop(
        {
          intervalMs: RECONNECT.minMs,
          backoff: RECONNECT,
          turn: (signal) => listen({ connect, clock, log }, { channel, listener }, signal),
          failed: (error, failures) => log.warn("listening for notices failed", { channel, failures, error }),
        },
        { clock, random },
        signal,
      );
    },
  };
}

/** Listens on one connection until it is lost or the signal aborts. Rejects when there is no connection at all. */
async function listen(
  { connect, clock, log }: ServerNoticesParts,
  { channel, listener }: { readonly channel: string; readonly listener: Listener },
  signal: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  const echo = `brokkr_echo_${newId()}`;
  const driver = connect({
    size: 1,
    onNotice(from, payload) {
      if (from === echo) listener.onEcho?.(Number(payload));
      else listener.onNotice(payload);
    },
    onClose: () => gone.abort(new Error("the server closed the connection")),
  });
  try {
    for (const each of [channel, echo]) await answered(driver, `listen ${quotedName(each)}`, clock);
    listener.onState(true);
    const send = () => answered(driver, `notify ${quotedName(echo)}, ${quotedText(String(clock.monotonic()))}`, clock);
    await lost({ gone: gone.signal, send, clock }, signal)
      .catch((error) => log.warn("listening connection lost", { channel, error: translated(error) }));
    listener.onState(false);
  } catch (error) {
    throw translated(error);
  } finally {
    await driver.end();
  }
}

interface Connection {
  /** Aborts when the connection is closed. */
  readonly gone: AbortSignal;
  /** Sends the connection a notice of its own. */
  readonly send: () => Promise<void>;
  readonly clock: Clock;
}

/**
 * Rejects when the connection is closed or does not answer; resolves when the signal aborts. The time that a server
 * takes to answer is no pause besides: what is known by echoes must not lapse just when there is much to do.
 */
async function lost({ gone, send, clock }: Connection, signal: AbortSignal): Promise<void> {
  const either = AbortSignal.any([signal, gone]);
  while (!signal.aborted) {
    const nextMs = clock.monotonic() + ECHO_EVERY_MS;
    await send();
    await clock.sleep(Math.max(0, nextMs - clock.monotonic()), either).catch(() => {});
    if (signal.aborted) return;
    gone.throwIfAborted();
  }
}

/** Runs a command and waits for the answer: a dead network gives none. */
async function answered(driver: Driver, command: string, clock: Clock): Promise<void> {
  using limit = deadline(clock, ANSWER_DEADLINE_MS);
  await unlessAborted(driver.command(command), limit.signal);
}
