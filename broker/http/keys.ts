import { z } from "zod";
import { AuthResponse, PakSummary, RotatedPak } from "$lib/wire/common.ts";
import { mintPak } from "../domain/pak.ts";
import { endpoint } from "./endpoint.ts";
import { PageQuery } from "./shapes.ts";

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

const list = endpoint({
  method: "get",
  path: "/api/v1/paks",
  roles: ["admin"],
  summary: "The agents and generators that have keys, by the id that pak_id takes",
  query: PageQuery,
  answers: { 200: z.array(PakSummary) },
  handle: async ({ query }, { keys }) => await keys.listOwners(query),
});

/** Keys as such. */
export const KEYS = [whoAmI, rotateAdmin, list] as const;
