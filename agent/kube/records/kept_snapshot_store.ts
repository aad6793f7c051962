import { gunzipSync, gzipSync } from "node:zlib";
import { sha256Hex } from "$lib/ids.ts";
import { type ApiResource, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { keptKey, type KeptOwner, type KeptStore, keptText, readKeptText } from "../../plan/kept_snapshot.ts";

/** What keeping copies in the cluster needs. */
export interface KeptStoreParts {
  readonly kubernetes: Kubernetes;
  readonly log: Log;
  /** Where the Secrets live: the inventory's namespace. */
  readonly namespace: string;
  readonly owner: KeptOwner;
  /** What {@linkcode keyDigest} makes of the agent's key, which may be another each time. */
  readonly keyDigest: () => Promise<string>;
}

const SECRETS: ApiResource = {
  apiVersion: "v1",
  kind: "Secret",
  resource: "secrets",
  namespaced: true,
  verbs: [],
};
const TYPE = "brokkr.io/kept";
/**
 * A label of every Secret that holds a part of a body, one for each agent that wants it: two may have one namespace.
 */
const WANTED_BY = "brokkr.io/kept-";
const OBJECT_ID = "brokkr.io/deployment-object-id";
const PIECES = "brokkr.io/pieces";
/** Digests of the keys that the broker refused, the newest last. An annotation, which a new copy leaves as it is. */
const REFUSED_KEYS = "brokkr.io/refused-keys";
const REFUSED_KEYS_MAX = 16;
/** Bytes of one piece; a Secret takes 1 MiB. */
const PIECE_MAX_BYTES = 700 * 1024;
/** Bytes that a kept text may have: many times what the broker takes. */
const TEXT_MAX_BYTES = 128 * 1024 * 1024;

/** Copies as Secrets, for bundles may hold secrets. Bodies are written once, and never changed. */
export function createKeptStore(parts: KeptStoreParts): KeptStore {
  const bodies = bodyStore(parts);
  return { ...indexStore(parts), ...bodies };
}

function indexStore(
  { kubernetes, log, namespace, owner, keyDigest }: KeptStoreParts,
): Pick<KeptStore, "read" | "write" | "noteKey"> {
  const place = { resource: SECRETS, namespace, name: `brokkr-kept-${keptKey(owner)}` };
  return {
    async read(signal) {
      const secret = await kubernetes.get(place, signal);
      if (secret === undefined) return undefined;
      const copy = readKeptText(unzipped([pieceIn(secret, "index")])?.toString() ?? "", owner);
      if (typeof copy !== "string") return { ...copy, isKeyRefused: refusedKeys(secret).includes(await keyDigest()) };
      log.warn("the kept snapshot is not used", { namespace, name: place.name, reason: copy });
      return undefined;
    },
    async write(copy, signal) {
      const data = { index: gzipSync(keptText(copy, owner)).toString("base64") };
      await kubernetes.apply(place, secretOf(place, { data }), { signal });
    },
    async noteKey(isRefused, signal) {
      const secret = await kubernetes.get(place, signal);
      if (secret === undefined) return false;
      const [key, noted] = [await keyDigest(), refusedKeys(secret)];
      if (noted.includes(key) === isRefused) return true;
      const others = noted.filter((one) => one !== key);
      const keys = isRefused ? [...others, key].slice(-REFUSED_KEYS_MAX) : others;
      const { uid, resourceVersion } = secret.metadata;
      const annotations = { [REFUSED_KEYS]: keys.length === 0 ? null : keys.join(",") };
      await kubernetes.patch(place, { metadata: { uid, resourceVersion, annotations } }, { signal });
      return true;
    },
  };
}

function bodyStore(
  { kubernetes, log, namespace, owner }: KeptStoreParts,
): Pick<KeptStore, "listBodies" | "readBody" | "writeBody" | "removeOtherBodies"> {
  const label = `${WANTED_BY}${keptKey(owner)}`;
  const placeOf = (id: string, piece: number) => ({
    resource: SECRETS,
    namespace,
    name: `brokkr-body-${id}-${piece}`,
  });
  const listPieces = async (signal?: AbortSignal) =>
    (await kubernetes.listMetadata(SECRETS, { namespace, labelSelector: label, signal })).items;

  /** What is there already is another agent's of this namespace, or was left by a kill: no refusal is asked for. */
  async function writePiece(place: ReturnType<typeof placeOf>, secret: KubernetesObject, signal?: AbortSignal) {
    const there = await kubernetes.get(place, signal);
    if (there?.metadata.uid !== undefined) {
      const { uid, annotations } = there.metadata;
      const isSame = pieceIn(there, "body") === pieceIn(secret, "body") &&
        annotations?.[PIECES] === secret.metadata.annotations?.[PIECES];
      if (isSame) return await kubernetes.patch(place, { metadata: { uid, labels: { [label]: "" } } }, { signal });
      await kubernetes.delete(place, { uid }, signal);
    }
    return await kubernetes.create(SECRETS, secret, { signal });
  }

  return {
    async listBodies(signal) {
      const found = Map.groupBy(await listPieces(signal), ({ metadata }) => metadata.annotations?.[OBJECT_ID] ?? "");
      return new Map([...found].map(([id, pieces]) => [id, isWhole(pieces)]));
    },
    async readBody({ id, checksum }, signal) {
      const first = await kubernetes.get(placeOf(id, 0), signal);
      if (first === undefined) return undefined;
      const others = Array.from({ length: piecesOf(first) - 1 }, (_, index) => placeOf(id, index + 1));
      const pieces = [first, ...await Promise.all(others.map((place) => kubernetes.get(place, signal)))];
      const bytes = unzipped(pieces.map((piece) => pieceIn(piece, "body")));
      if (bytes !== undefined && await sha256Hex(bytes) === checksum) return bytes.toString();
      log.warn("a kept bundle is not used: it is spoilt", { namespace, deployment_object_id: id });
      return undefined;
    },
    async writeBody({ id }, text, signal) {
      const pieces = cut(gzipSync(text));
      const annotations = { [OBJECT_ID]: id, [PIECES]: String(pieces.length) };
      for (const [index, piece] of pieces.entries()) {
        const place = placeOf(id, index);
        const secret = secretOf(place, { data: { body: piece }, immutable: true });
        const metadata = { ...secret.metadata, labels: { [label]: "" }, annotations };
        await writePiece(place, { ...secret, metadata }, signal);
      }
    },
    async removeOtherBodies(wanted, signal) {
      const pieces = await listPieces(signal);
      for (
        const { metadata } of pieces.filter(({ metadata }) => !wanted.has(metadata.annotations?.[OBJECT_ID] ?? ""))
      ) {
        const { name, uid = "", resourceVersion, labels = {} } = metadata;
        const place = { resource: SECRETS, namespace, name };
        const isOthers = Object.keys(labels).some((one) => one.startsWith(WANTED_BY) && one !== label);
        if (isOthers) await kubernetes.patch(place, { metadata: { uid, labels: { [label]: null } } }, { signal });
        else await kubernetes.delete(place, { uid, resourceVersion }, signal);
      }
    },
  };
}

function secretOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  content: { readonly data: Readonly<Record<string, string>>; readonly immutable?: true },
): KubernetesObject {
  return { apiVersion: "v1", kind: "Secret", type: TYPE, metadata: { name, namespace }, ...content };
}

function refusedKeys({ metadata: { annotations } }: KubernetesObject): readonly string[] {
  return annotations?.[REFUSED_KEYS]?.split(",").slice(-REFUSED_KEYS_MAX) ?? [];
}

function cut(bytes: Buffer): readonly string[] {
  const count = Math.ceil(bytes.length / PIECE_MAX_BYTES);
  return Array.from(
    { length: count },
    (_, index) => bytes.subarray(index * PIECE_MAX_BYTES, (index + 1) * PIECE_MAX_BYTES).toString("base64"),
  );
}

function isWhole(pieces: readonly KubernetesObject[]): boolean {
  return pieces.every((piece) => piecesOf(piece) === pieces.length);
}

function piecesOf({ metadata: { annotations } }: KubernetesObject): number {
  const pieces = Number(annotations?.[PIECES]);
  return Number.isInteger(pieces) && pieces > 0 && pieces * PIECE_MAX_BYTES <= TEXT_MAX_BYTES ? pieces : 1;
}

function pieceIn(secret: KubernetesObject | undefined, name: string): string {
  const piece = (secret?.data as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof piece === "string" ? piece : "";
}

function unzipped(pieces: readonly string[]): Buffer<ArrayBuffer> | undefined {
  try {
    const zipped = Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64")));
    return Buffer.from(gunzipSync(zipped, { maxOutputLength: TEXT_MAX_BYTES }));
  } catch {
    return undefined;
  }
}
