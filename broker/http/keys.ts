import { AuthResponse, RotatedPak } from "$lib/wire/common.ts";
import { mintPak } from "../domain/pak.ts";
import { endpoint } from "./endpoint.ts";

const whoAmI = endpoint({
  method: "post",
  path: "/api/v1/auth/pak",
  roles: ["admin", "agent", "generator"],
  summary: "Whose key this is",
  answers: { 200: AuthResponse },
  // deno-lint-ignore require-await
  handle: async ({ caller: { role, id } }) => ({
    admin: role === "admin",
    ...(role === "agent" ? { agent: id } : {}),
    ...(role === "generator" ? { generator: id } : {}),
    readonly: false,
  }),
});

const rotateAdmin = endpoint({
  method: "post",
  path: "/api/v1/admin/rotate-pak",
  roles: ["admin"],
  summary: "Give the admin a new key, shown this once; the old one ends",
  answers: { 200: RotatedPak },
  handle: async (_, { adminRole }) => {
    const { pak, hash } = await mintPak();
    await adminRole.changePak(hash);
    return { pak };
  },
});

/** Keys as such. */
export const KEYS = [whoAmI, rotateAdmin] as const;
