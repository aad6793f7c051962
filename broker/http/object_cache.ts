import { Failure } from "$lib/error.ts";
import { LruCache } from "$lib/lru_cache.ts";
import type { DeploymentObject, ObjectHead } from "../domain/deployment_object.ts";
import type { DeploymentObjectStore } from "../store/mod.ts";

/** Bytes of all texts together: thousands of usual bundles, or a few of the largest. */
const MAX_BYTES = 32 * 1024 * 1024;
/** What an entry takes besides its text. */
const ENTRY_BYTES = 500;
const UTF8 = new TextEncoder();

/** A way to write an object. */
export interface Form {
  readonly type: string;
  readonly write: (object: DeploymentObject) => string;
}

/** Where manifests are read. */
export type Bodies = Pick<DeploymentObjectStore, "bodies">;

type Text = Uint8Array<ArrayBuffer>;

/**
 * Deployment objects as they are answered, ready to be sent again: an object never changes, and a rollout has every
 * agent ask for the same one. It is read once, however many ask at once, and all are sent the same bytes. The least
 * lately asked for goes first.
 */
export class ObjectCache {
  readonly #texts: LruCache<string, Text>;
  readonly #reading = new Map<string, Promise<Text>>();

  constructor(maxBytes = MAX_BYTES) {
    this.#texts = new LruCache(maxBytes, ({ length }) => length + ENTRY_BYTES);
  }

  /**
   * What each of these is answered with, in their order; those that are to be read are read by one statement.
   *
   * @throws {Failure} `unavailable` when retention has taken one away meanwhile: nothing may look as if that were all.
   */
  texts(heads: readonly ObjectHead[], form: Form, objects: Bodies): Promise<Text[]> {
    const kept = heads.filter(({ isBodyKept }) => isBodyKept);
    const unread = kept.filter((head) => this.#known(head, form) === undefined);
    if (unread.length > 0) this.#read(unread, form, objects);
    return Promise.all(heads.map(async (head) => {
      const known = head.isBodyKept ? await this.#known(head, form) : undefined;
      return known ?? textOf({ head, form, body: "" });
    }));
  }

  #known(head: ObjectHead, form: Form): Text | Promise<Text> | undefined {
    const key = keyOf(head, form);
    return this.#texts.find(key) ?? this.#reading.get(key);
  }

  #read(heads: readonly ObjectHead[], form: Form, objects: Bodies): void {
    const bodies = objects.bodies(heads.map(({ id }) => id));
    for (const head of heads) {
      const key = keyOf(head, form);
      const read = async () => {
        const text = textOf({ head, form, body: (await bodies).get(head.id) });
        this.#texts.keep(key, text);
        return text;
      };
      this.#reading.set(key, read().finally(() => this.#reading.delete(key)));
    }
  }
}

function keyOf({ id }: ObjectHead, { type }: Form): string {
  return `${type} ${id}`;
}

function textOf(
  { head, form, body }: { readonly head: ObjectHead; readonly form: Form; readonly body: string | undefined },
): Text {
  if (body !== undefined) return UTF8.encode(form.write({ ...head, yamlContent: body }));
  throw new Failure("unavailable", `Cannot read deployment object "${head.id}": its body has just been deleted`);
}
