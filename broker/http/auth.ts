import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import type { Caller } from "../domain/caller.ts";
import type { ChangedKeys } from "../domain/notice.ts";
import { isSameHash, pakHash } from "../domain/pak.ts";
import type { AuthResult } from "../metrics.ts";
import type { KnownKey, Store } from "../store/mod.ts";
import type { ClientAddress } from "./client_address.ts";
import { FailedAttempts } from "./failed_attempts.ts";
import { KeyLookups } from "./key_lookups.ts";

/** Takes everybody for the admin: for a door that only the admin can open. */
export const ALWAYS_ADMIN: Pick<Authenticator, "authenticate"> = {
  authenticate: () => Promise.resolve({ role: "admin", id: "admin" }),
};

/** A key that nobody comes in with, whatever the path. */
export class KeyRefused extends Failure {
  /** How it is counted. */
  readonly result: Exclude<AuthResult, "success">;

  constructor(result: Exclude<AuthResult, "success">, message: string) {
    super(result === "forbidden" ? "forbidden" : "unauthorized", message);
    this.result = result;
  }
}

/** What authentication is made of. */
export interface AuthenticatorParts {
  readonly clock: Clock;
  /** How long an answer of the store is believed, in milliseconds; 0 asks every time. */
  readonly ttlMs: number;
  readonly clientAddress: ClientAddress;
  /** Hears of each look-up that is delayed. */
  readonly onDelayed?: (() => void) | undefined;
}

/** A request whose key is looked up. */
interface Asking {
  readonly request: Request;
  readonly store: Store;
  /** Who failures are charged to. */
  readonly address: string;
}

const DELAY_MS = 1_000;
/** How long a key that nobody has is remembered, and how many: one that is made later is nobody's guess. */
const UNKNOWN_TTL_MS = 10_000;
const UNKNOWN_MAX = 1_000;

interface Kept {
  readonly key: KnownKey;
  readonly untilMs: number;
}

/** For how long after a notice of its own a replica believes that it has heard of every change before. */
const ECHO_MAX_MS = 1_000;

/**
 * Finds out who asks, once for each request. Answers are kept, and used while this replica is sure to hear of changed
 * keys: a key that is rotated or deleted here ends at once, elsewhere within a second. Failures are charged to an
 * address: of one that fails too often, keys that are not kept are looked up a second later, and nobody behind it is
 * refused for that.
 */
export class Authenticator {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #kept = new Map<string, Kept>();
  /** Until when a key that nobody has need not be looked up again. */
  readonly #unknown = new Map<string, number>();
  readonly #clientAddress: ClientAddress;
  readonly #onDelayed: () => void;
  readonly #failures: FailedAttempts;
  readonly #lookups = new KeyLookups();
  /** Every change before this time has been heard of. */
  #heardMs = -Infinity;
  #changes = 0;

  constructor({ clock, ttlMs, clientAddress, onDelayed = () => {} }: AuthenticatorParts) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#clientAddress = clientAddress;
    this.#onDelayed = onDelayed;
    this.#failures = new FailedAttempts(clock);
  }

  /**
   * The caller behind `Authorization: <PAK>` or `Authorization: Bearer <PAK>`.
   *
   * @param connectionFrom The address at the other end of the connection.
   * @throws {KeyRefused} `unauthorized`; `forbidden` for the key of an inactive generator.
   */
  async authenticate(request: Request, store: Store, connectionFrom: () => string = () => ""): Promise<Caller> {
    try {
      return await this.#callerOf(request, store, connectionFrom);
    } catch (error) {
      const isFailure = error instanceof KeyRefused && error.result !== "forbidden";
      if (isFailure) this.#failures.charge(this.#clientAddress(request, connectionFrom()));
      throw error;
    }
  }

  async #callerOf(request: Request, store: Store, connectionFrom: () => string): Promise<Caller> {
    const pak = (request.headers.get("authorization") ?? "").replace(/^bearer(\s+|$)/i, "").trim();
    if (pak === "") {
      throw new KeyRefused("missing", "Cannot tell who asks: there is no key in the Authorization header");
    }
    const hash = pakHash(pak);
    if (hash === undefined) throw new KeyRefused("malformed", "Cannot tell who asks: the key is malformed");
    const key = this.#find(hash) ?? await this.#ask(hash, {
      ...{ request, store },
      address: this.#clientAddress(request, connectionFrom()),
    });
    if (key === undefined || !isSameHash(key.pakHash, hash)) {
      throw new KeyRefused("unknown", "Cannot tell who asks: the key is unknown");
    }
    if (!key.isActive) throw new KeyRefused("forbidden", "Cannot answer: the generator of this key is inactive");
    return key.caller;
  }

  /** Forgets the answers for these keys; every answer where they are not named. */
  forget({ pakHashes }: Pick<ChangedKeys, "pakHashes">): void {
    this.#changes += 1;
    this.#unknown.clear();
    if (pakHashes === undefined) this.#kept.clear();
    for (const hash of pakHashes ?? []) this.#kept.delete(hash);
  }

  /** Hears that every change of keys which was told of before a time has been heard of. */
  heard(sentMs: number): void {
    this.#heardMs = sentMs;
  }

  /** Forgets everything: changes may have been missed. */
  missed(): void {
    this.#heardMs = -Infinity;
    this.forget({});
  }

  #find(hash: string): KnownKey | undefined {
    const nowMs = this.#clock.monotonic();
    const kept = this.#kept.get(hash);
    return kept !== undefined && kept.untilMs > nowMs && this.#isListening(nowMs) ? kept.key : undefined;
  }

  #isListening(nowMs: number): boolean {
    return this.#heardMs > nowMs - ECHO_MAX_MS;
  }

  async #ask(hash: string, asking: Asking): Promise<KnownKey | undefined> {
    const nowMs = this.#clock.monotonic();
    if (this.#isListening(nowMs) && (this.#unknown.get(hash) ?? 0) > nowMs) return undefined;
    if (this.#failures.areTooMany(asking.address)) await this.#delay(asking.request);
    return await this.#lookups.inTurn(() => this.#lookUp(hash, asking.store));
  }

  async #delay({ signal }: Request): Promise<void> {
    this.#onDelayed();
    await this.#clock.sleep(DELAY_MS);
    if (signal.aborted) throw new Failure("unavailable", "Cannot look up the key: the client has left");
  }

  async #lookUp(hash: string, store: Store): Promise<KnownKey | undefined> {
    const changes = this.#changes;
    const key = await store.keys.find(hash);
    const isCurrent = () => this.#changes === changes;
    if (key === undefined) {
      if (isCurrent()) this.#rememberUnknown(hash);
      return undefined;
    }
    if (key.isActive && key.caller.role === "generator") await store.generators.markActive(key.caller.id);
    const untilMs = this.#clock.monotonic() + Math.min(this.#ttlMs, key.endsInMs ?? Infinity);
    if (isCurrent()) this.#kept.set(hash, { key, untilMs });
    if (key.hasFormer) await store.keys.endFormer(key.caller);
    return key;
  }

  #rememberUnknown(hash: string): void {
    const [oldest] = this.#unknown.keys();
    if (this.#unknown.size >= UNKNOWN_MAX && oldest !== undefined) this.#unknown.delete(oldest);
    this.#unknown.set(hash, this.#clock.monotonic() + UNKNOWN_TTL_MS);
  }
}
