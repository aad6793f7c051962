import type { Store } from "../../broker/store/mod.ts";
import { type ApiAnswer, type Asking, buildWorld, type World } from "../fakes/api_world.ts";

/** Whose key a request brings. */
export type KeyName = keyof World["keys"];
/** What of the world a request may be about. */
export type IdName = Exclude<keyof World, "keys" | "sequenceId">;

/** What stands in requests for the ids of a world, whichever it is by then. */
export const PLACES: Readonly<Record<IdName, string>> = {
  agentId: "5a5a5a5a-0000-4000-8000-000000000001",
  otherAgentId: "5a5a5a5a-0000-4000-8000-000000000002",
  generatorId: "5a5a5a5a-0000-4000-8000-000000000003",
  otherGeneratorId: "5a5a5a5a-0000-4000-8000-000000000004",
  stackId: "5a5a5a5a-0000-4000-8000-000000000005",
  objectId: "5a5a5a5a-0000-4000-8000-000000000006",
  eventId: "5a5a5a5a-0000-4000-8000-000000000007",
};

const OWNERS: readonly (readonly [KeyName, IdName])[] = [
  ["agent", "agentId"],
  ["otherAgent", "otherAgentId"],
  ["generator", "generatorId"],
  ["otherGenerator", "otherGeneratorId"],
];
const DELETED = /^\/api\/v1\/(?:agents|generators|stacks)\/([^/?]+)(?:\?|$)/;
const ROTATED = /^\/api\/v1\/(?:admin|(?:agents|generators)\/([^/?]+))\/rotate-pak(?:\?|$)/;

/**
 * A world that goes on: whose key was rotated has the new one, what was deleted is there again as another. Of the dead
 * and with former keys little can be asked.
 */
export class LivingWorld {
  readonly #store: Store;
  #world: World;
  readonly #inactive = new Set<KeyName>();
  #made = 0;

  private constructor(store: Store, world: World) {
    this.#store = store;
    this.#world = world;
  }

  /** Fills an empty store. */
  static async begin(store: Store): Promise<LivingWorld> {
    return new LivingWorld(store, await buildWorld(store));
  }

  /** The request as it is sent now. */
  bound<Of extends Asking>(asking: Of, keyOf: KeyName | undefined): Of {
    const { path, body } = asking;
    const key = keyOf === undefined ? asking.key : this.#world.keys[keyOf];
    return { ...asking, key, path: this.#bound(path), ...typeof body === "string" && { body: this.#bound(body) } };
  }

  /** Follows what became of a request. */
  async follow({ method, path }: Asking, keyOf: KeyName | undefined, { status, body }: ApiAnswer): Promise<void> {
    if (keyOf !== undefined && this.#inactive.delete(keyOf)) await this.#activate(keyOf);
    if (status >= 400) return;
    const rotated = ROTATED.exec(path);
    if (rotated !== null) this.#rotated(rotated[1], body);
    const deleted = method === "DELETE" ? DELETED.exec(path)?.[1] : undefined;
    if (deleted !== undefined && this.#holds(deleted)) await this.#renew();
    if (method === "PUT") this.#noteInactive(body);
  }

  #bound(text: string): string {
    let bound = text;
    for (const [name, place] of Object.entries(PLACES)) bound = bound.replaceAll(place, this.#world[name as IdName]);
    return bound;
  }

  #holds(id: string): boolean {
    return Object.keys(PLACES).some((name) => this.#world[name as IdName] === id.toLowerCase());
  }

  #ownerOf(id: string): KeyName | undefined {
    return OWNERS.find(([, name]) => this.#world[name] === id.toLowerCase())?.[0];
  }

  #rotated(id: string | undefined, body: unknown): void {
    const owner = id === undefined ? "admin" : this.#ownerOf(id);
    const { pak } = body as { readonly pak?: string };
    if (owner === undefined || pak === undefined) return;
    this.#world = { ...this.#world, keys: { ...this.#world.keys, [owner]: pak } };
  }

  /** With the admin's key as it is: there is one admin. */
  async #renew(): Promise<void> {
    this.#made += 1;
    this.#inactive.clear();
    const { keys: { admin } } = this.#world;
    const next = await buildWorld(this.#store, `-${this.#made}`);
    this.#world = { ...next, keys: { ...next.keys, admin } };
  }

  #noteInactive(body: unknown): void {
    const { id, is_active: isActive } = (body ?? {}) as { readonly id?: string; readonly is_active?: boolean };
    const owner = isActive === false && id !== undefined ? this.#ownerOf(id) : undefined;
    if (owner !== undefined) this.#inactive.add(owner);
  }

  async #activate(owner: KeyName): Promise<void> {
    const id = owner === "generator" ? this.#world.generatorId : this.#world.otherGeneratorId;
    const { name } = await this.#store.generators.get(id);
    await this.#store.generators.change(id, { name, isActive: true });
  }
}
