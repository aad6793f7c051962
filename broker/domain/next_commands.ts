import type { ObjectResult } from "$lib/wire/event.ts";

/** A request to the broker, for a shell with `BROKKR_URL` and `BROKKR_PAK`. */
export function request(method: string, path: string, body?: unknown): string {
  const sent = body === undefined ? "" : ` -d ${word(JSON.stringify(body))}`;
  return `curl -X ${method} "$BROKKR_URL/api/v1${path}" -H "Authorization: $BROKKR_PAK"${sent}`;
}

/** Submits a mended bundle to a stack. */
export function submit({ id }: { readonly id: string }): string {
  const yaml = `-H "Content-Type: application/yaml" --data-binary @bundle.yaml`;
  return `${request("POST", `/stacks/${id}/deployment-objects`)} ${yaml}`;
}

/** Shows what a cluster says of an object. */
export function describe(
  { group, kind, namespace, name }: Pick<ObjectResult, "group" | "kind" | "namespace" | "name">,
) {
  const type = group ? `${kind}.${group}` : kind;
  const where = namespace === undefined ? "" : ` --namespace ${word(namespace)}`;
  return `kubectl describe ${word(type)} ${word(name)}${where}`;
}

/** One word of a shell, whatever it holds: names come from clusters and clients. */
export function word(text: string): string {
  return /^[\w./:-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
