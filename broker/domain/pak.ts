import { Failure } from "$lib/error.ts";
import { newPak, sha256Hex, sha256HexSync } from "$lib/ids.ts";

/** The hash of a key that every reader of the internet knows. */
const KNOWN_DEV_HASH = "4c697273df3d764cba950bb5c04368097685f09259f5bd880d892cf1ff9f4cdd";
const PAK = /^brokkr_[^_\s]+_([^_\s]+)$/;

/** A fresh key, to be shown once, and what is kept of it. */
export interface MintedPak {
  readonly pak: string;
  readonly hash: string;
}

/** A key in place of an owner's former one. */
export interface KeyChange {
  readonly pakHash: string;
  /** The former key goes on until the new one is first used, for 10 minutes at most: the answer may be lost. */
  readonly keepsFormer: boolean;
  /** The hash of the key that its owner rotates, which must still be the owner's; left out where another rotates it. */
  readonly from?: string | undefined;
}

/** Makes a key. */
export async function mintPak(): Promise<MintedPak> {
  const pak = newPak();
  return { pak, hash: await sha256Hex(longTokenOf(pak) ?? pak) };
}

/** The hash of a key's long token, by which its owner is found; undefined when it is not `brokkr_*_*`. */
export function pakHash(pak: string): string | undefined {
  const longToken = longTokenOf(pak);
  return longToken === undefined ? undefined : sha256HexSync(longToken);
}

/** Whether two hashes are the same, in a time that tells nothing of where they differ. */
export function isSameHash(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let index = 0; index < one.length; index += 1) {
    difference |= one.charCodeAt(index) ^ other.charCodeAt(index % Math.max(other.length, 1));
  }
  return difference === 0;
}

/**
 * Refuses the key that everybody knows.
 *
 * @throws {Failure} `invalid_settings` unless `isAllowed`.
 */
export function refuseKnownKey(hash: string, { isAllowed }: { readonly isAllowed: boolean }): void {
  if (hash !== KNOWN_DEV_HASH || isAllowed) return;
  throw new Failure(
    "invalid_settings",
    "Cannot use broker.pak_hash: it belongs to a published key; " +
      "take another one, or set broker.allow_known_dev_key for a broker that nobody else can reach",
  );
}

function longTokenOf(pak: string): string | undefined {
  return PAK.exec(pak)?.[1];
}
