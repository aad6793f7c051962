import { unlessAborted } from "$lib/clock.ts";
import type { BrokerClient } from "../broker_client.ts";
import type { BundleRef } from "../plan/plan.ts";

/** Bundles that are fetched before the turns begin that ask for them. */
export class ReadAhead {
  readonly #fetchBundle: BrokerClient["fetchBundle"];
  /** By deployment object. */
  readonly #texts = new Map<string, Promise<string>>();

  constructor(fetchBundle: BrokerClient["fetchBundle"]) {
    this.#fetchBundle = fetchBundle;
  }

  /** Fetches these, and lets go of what was fetched before and no turn asked for. */
  begin(objects: readonly BundleRef[], signal: AbortSignal): void {
    this.#texts.clear();
    for (const object of objects) {
      const text = this.#fetchBundle(object, signal);
      text.catch(() => {}); // the turn asks again, and says why not
      this.#texts.set(object.id, text);
    }
  }

  /** The bundle that was fetched ahead, once; any other, and one that could not be, is fetched now. */
  async fetch(object: BundleRef, signal: AbortSignal): Promise<string> {
    const ahead = this.#texts.get(object.id);
    this.#texts.delete(object.id);
    if (ahead !== undefined) {
      const text = await unlessAborted(ahead.catch(() => undefined), signal);
      if (text !== undefined) return text;
    }
    return await this.#fetchBundle(object, signal);
  }
}
