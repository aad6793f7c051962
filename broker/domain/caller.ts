/** What a key may be for. */
const ROLES = ["admin", "agent", "generator"] as const;
/** One of {@linkcode ROLES}. */
export type Role = (typeof ROLES)[number];

/** In place of an id, of the admin who asks over the broker's own socket: whoever opens it needs no key. */
export const ADMIN_WITHOUT_KEY = "admin";

/** Who asks, as authentication found out: a role and the id of the admin, agent or generator behind the key. */
export interface Caller {
  readonly role: Role;
  readonly id: string;
  /** It came with the key before its own: one that it rotated a moment ago, and may not rotate again. */
  readonly isByFormerKey?: boolean;
}
