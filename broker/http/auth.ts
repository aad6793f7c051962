import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import type { Caller } from "../domain/caller.ts";
import { isSameHash, pakHash } from "../domain/pak.ts";
import type { AuthResult } from "../metrics.ts";
import type { KnownKey, Store } from "../store/mod.ts";

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
}

interface Kept {
  readonly key: KnownKey;
  readonly untilMs: number;
}

/**
 * Finds out who asks, once for each request. Answers are kept while this replica hears of changed keys, so that a
 * rotated or deleted key ends at once everywhere; unknown keys are never kept.
 */
export class Authenticator {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #kept = new Map<string, Kept>();
  #isHearing = false;
  #changes = 0;

  constructor({ clock, ttlMs }: AuthenticatorParts) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /**
   * The caller behind `Authorization: <PAK>` or `Authorization: Bearer <PAK>`.
   *
   * @throws {KeyRefused} `unauthorized`; `forbidden` for the key of an inactive generator.
   */
  async authenticate(request: Request, store: Store): Promise<Caller> {
    const pak = (request.headers.get("authorization") ?? "").replace(/^bearer(\s+|$)/i, "").trim();
    if (pak === "") {
      throw new KeyRefused("missing", "Cannot tell who asks: there is no key in the Authorization header");
    }
    const hash = pakHash(pak);
    if (hash === undefined) throw new KeyRefused("malformed", "Cannot tell who asks: the key is malformed");
    const key = this.#find(hash) ?? await this.#ask(hash, store);
    if (key === undefined || !isSameHash(key.pakHash, hash)) {
      throw new KeyRefused("unknown", "Cannot tell who asks: the key is unknown");
    }
    if (!key.isActive) throw new KeyRefused("forbidden", "Cannot answer: the generator of this key is inactive");
    return key.caller;
  }

  /** Forgets every answer: a key has changed. */
  forget(): void {
    this.#changes += 1;
    this.#kept.clear();
  }

  /** Whether changes of keys are heard of now: while they are not, nothing is kept. */
  hear(isUp: boolean): void {
    this.#isHearing = isUp;
    this.forget();
  }

  #find(hash: string): KnownKey | undefined {
    const kept = this.#kept.get(hash);
    return kept === undefined || kept.untilMs <= this.#clock.monotonic() ? undefined : kept.key;
  }

  async #ask(hash: string, store: Store): Promise<KnownKey | undefined> {
    const changes = this.#changes;
    const key = await store.keys.find(hash);
    if (key === undefined) return undefined;
    if (key.isActive && key.caller.role === "generator") await store.generators.markActive(key.caller.id);
    const isCurrent = this.#isHearing && this.#changes === changes;
    if (isCurrent) this.#kept.set(hash, { key, untilMs: this.#clock.monotonic() + this.#ttlMs });
    return key;
  }
}
