import pLimit from "p-limit";
import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { ADMIN_WITHOUT_KEY, type Caller } from "../domain/caller.ts";
import { isSameHash, pakHash } from "../domain/pak.ts";
import type { AuthResult } from "../metrics.ts";
import type { KnownKey, Store } from "../store/mod.ts";
import type { ClientAddress } from "./client_address.ts";
import { FailedAttempts } from "./failed_attempts.ts";
import type { KeyCache } from "./key_cache.ts";

/** Takes everybody for the admin: for a door that only the admin can open. */
export const ALWAYS_ADMIN: Pick<Authenticator, "authenticate"> = {
  authenticate: () => Promise.resolve({ role: "admin", id: ADMIN_WITHOUT_KEY }),
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
  readonly keys: KeyCache;
  readonly clientAddress: ClientAddress;
  /** Hears of each look-up that is delayed. */
  readonly onDelayed?: (() => void) | undefined;
}

/** A request whose key is looked up. */
interface Asking {
  readonly request: Request;
  readonly store: Store;
  /** Who failures are charged to: found out when it is asked for, which it is of no key that is known. */
  readonly address: () => string;
}

const DELAY_MS = 1_000;
/**
 * So many at once look up what stands for a key, or note what a key's owner did; the others wait in their order. Keys
 * themselves the store looks up together, strangers' too: one statement at a time, however many ask.
 */
const STATEMENTS_AT_ONCE = 4;

/**
 * Finds out who asks, once for each request. Failures are charged to an address: of one that fails too often, keys that
 * are not known here are looked up a second later, and nobody behind it is refused for that.
 */
export class Authenticator {
  readonly #parts: AuthenticatorParts;
  readonly #failures: FailedAttempts;
  readonly #inTurn = pLimit(STATEMENTS_AT_ONCE);

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    this.#failures = new FailedAttempts(parts.clock);
  }

  /**
   * The caller behind `Authorization: <PAK>` or `Authorization: Bearer <PAK>`.
   *
   * @param connectionFrom The address at the other end of the connection.
   * @throws {KeyRefused} `unauthorized`; `forbidden` for the key of an inactive generator.
   */
  authenticate(request: Request, store: Store, connectionFrom: () => string = () => ""): Promise<Caller> {
    return this.#charging({ request, store, connectionFrom }, (asking) => this.#ownerOf(hashIn(request), asking));
  }

  /**
   * The caller behind what is shown in place of a key: `find` looks up the hash of the key that it stands for. It is
   * bounded as look-ups of keys are.
   *
   * @throws {KeyRefused} As {@linkcode Authenticator.authenticate}.
   */
  recognise(
    from: Pick<Asking, "request" | "store"> & { readonly connectionFrom: () => string },
    find: () => Promise<string | undefined>,
  ): Promise<Caller> {
    return this.#charging(from, async (asking) => {
      if (this.#failures.areTooMany(asking.address())) await this.#delay(asking.request);
      const hash = await this.#inTurn(find);
      if (hash === undefined) throw new KeyRefused("unknown", "Cannot tell who asks: it stands for no key");
      return await this.#ownerOf(hash, asking);
    });
  }

  async #charging(
    { request, store, connectionFrom }: Pick<Asking, "request" | "store"> & { readonly connectionFrom: () => string },
    callerOf: (asking: Asking) => Promise<Caller>,
  ): Promise<Caller> {
    let found: string | undefined;
    const address = () => found ??= this.#parts.clientAddress(request, connectionFrom());
    try {
      return await callerOf({ request, store, address });
    } catch (error) {
      if (error instanceof KeyRefused && error.result !== "forbidden") this.#failures.charge(address());
      throw error;
    }
  }

  async #ownerOf(hash: string, asking: Asking): Promise<Caller> {
    const { key } = this.#parts.keys.find(hash) ?? { key: await this.#ask(hash, asking) };
    if (key === undefined || !isSameHash(key.pakHash, hash)) {
      throw new KeyRefused("unknown", "Cannot tell who asks: the key is unknown");
    }
    if (!key.isActive) throw new KeyRefused("forbidden", "Cannot answer: the generator of this key is inactive");
    return key.caller;
  }

  async #ask(hash: string, { request, store, address }: Asking): Promise<KnownKey | undefined> {
    if (this.#failures.areTooMany(address())) await this.#delay(request);
    return await this.#lookUp(hash, store);
  }

  async #delay({ signal }: Request): Promise<void> {
    const { clock, onDelayed } = this.#parts;
    onDelayed?.();
    await clock.sleep(DELAY_MS);
    if (signal.aborted) throw new Failure("unavailable", "Cannot look up the key: the client has left");
  }

  async #lookUp(hash: string, { keys, generators }: Store): Promise<KnownKey | undefined> {
    const key = await this.#parts.keys.ask(hash, async () => {
      const found = await keys.find(hash);
      if (found?.isActive && found.caller.role === "generator") {
        await this.#inTurn(() => generators.markActive(found.caller.id));
      }
      return found;
    });
    if (key?.hasFormer) await this.#inTurn(() => keys.endFormer(key.caller));
    return key;
  }
}

/** The hash of the key that a caller came in with; undefined of one that needs none. */
export function ownHash(request: Request, { id }: Caller): string | undefined {
  return id === ADMIN_WITHOUT_KEY ? undefined : hashIn(request);
}

function hashIn({ headers }: Request): string {
  const pak = (headers.get("authorization") ?? "").replace(/^bearer(\s+|$)/i, "").trim();
  if (pak === "") {
    throw new KeyRefused("missing", "Cannot tell who asks: there is no key in the Authorization header");
  }
  const hash = pakHash(pak);
  if (hash === undefined) throw new KeyRefused("malformed", "Cannot tell who asks: the key is malformed");
  return hash;
}
