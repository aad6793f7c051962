import { z } from "zod";
import { AuthResponse, PakSummary, RotatedPak, RotatePakRequest } from "$lib/wire/common.ts";
import { mayRotate } from "../domain/access.ts";
import { mintPak } from "../domain/pak.ts";
import { ownHash } from "./auth.ts";
import { endpoint } from "./endpoint.ts";
import { PageQuery } from "./shapes.ts";

const whoAmI = endpoint({
  method: "post",
  path: "/api/v1/auth/pak",
  roles: ["admin", "agent", "generator"],
  summary: "Whose key this is",
  answers: { 200: AuthResponse },
  // deno-lint-ignore require-await
  handle: async ({ caller: { role, id }, request }) => {
    const none = takesNoNull(request) ? undefined : null;
    const agent = role === "agent" ? id : none;
    const generator = role === "generator" ? id : none;
    return { admin: role === "admin", agent, generator, readonly: false };
  },
});

/** Our own agent of 0.10.0 takes an answer with null for a broken one, and would not start. */
function takesNoNull({ headers }: Request): boolean {
  return headers.get("user-agent")?.startsWith("brokkr-agent/0.10.") === true;
}

const rotateAdmin = endpoint({
  method: "post",
  path: "/api/v1/admin/rotate-pak",
  roles: ["admin"],
  summary: "Give the admin a new key, shown this once; the old one ends after a while, or at once if it is revoked",
  body: { shape: RotatePakRequest.prefault({}) },
  answers: { 200: RotatedPak },
  handle: async ({ body, caller, request }, { adminRole }) => {
    mayRotate(caller);
    const { pak, hash: pakHash } = await mintPak();
    await adminRole.changePak({ pakHash, keepsFormer: body.revoke !== true, from: ownHash(request, caller) });
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
