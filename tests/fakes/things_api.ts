import type { KubernetesObject, ObjectMeta } from "$lib/kubernetes.ts";
import { newId } from "$lib/ids.ts";
import { makeAuthority } from "./certificates.ts";

/**
 * The server of an aggregated API: it keeps `Thing`s, of no namespace, as an API server would, for as long as it lives.
 */
export interface ThingsApi extends AsyncDisposable {
  readonly port: number;
  /** What `caBundle` of its APIService is to be. */
  readonly caBundle: string;
  /** By name. */
  readonly things: ReadonlyMap<string, KubernetesObject>;
}

/** Serves version `v1` of the group, with a certificate for the Service through which an API server asks. */
export async function serveThings(
  { group, service }: { readonly group: string; readonly service: string },
): Promise<ThingsApi> {
  const authority = await makeAuthority("things");
  const certificate = await authority.issue("localhost", `${service}.svc`);
  const things = new Map<string, KubernetesObject>();
  const api = { group, apiVersion: `${group}/v1`, things };
  const listening = { hostname: "127.0.0.1", port: 0, ...certificate, onListen: () => {} };
  const server = Deno.serve(listening, (request) => answer(api, request));
  return {
    port: server.addr.port,
    caBundle: btoa(authority.cert),
    things,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

interface Api {
  readonly group: string;
  readonly apiVersion: string;
  readonly things: Map<string, KubernetesObject>;
}

function answer(api: Api, request: Request): Response | Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const [, , group, version, plural, name] = pathname.split("/");
  if (group !== api.group) return new Response("404 page not found\n", { status: 404 });
  if (version === undefined) return Response.json(groupOf(api));
  if (plural === undefined) return Response.json(resourcesOf(api));
  if (name === undefined) {
    const metadata = { resourceVersion: "1" };
    return Response.json({ apiVersion: api.apiVersion, kind: "ThingList", metadata, items: [...api.things.values()] });
  }
  if (request.method === "PATCH") return applied(api, name, { request, isDryRun: searchParams.has("dryRun") });
  const found = api.things.get(name);
  if (found === undefined) return notFound(name);
  if (request.method === "DELETE") api.things.delete(name);
  return Response.json(found);
}

async function applied(
  { things }: Api,
  name: string,
  { request, isDryRun }: { readonly request: Request; readonly isDryRun: boolean },
): Promise<Response> {
  const body = await request.json() as KubernetesObject;
  const before = things.get(name);
  const metadata: ObjectMeta = { ...body.metadata, uid: before?.metadata.uid ?? newId(), resourceVersion: newId() };
  const after = { ...body, metadata };
  if (!isDryRun) things.set(name, after);
  return Response.json(after, { status: before === undefined ? 201 : 200 });
}

function notFound(name: string): Response {
  const said = { reason: "NotFound", code: 404, message: `things "${name}" not found` };
  return Response.json({ apiVersion: "v1", kind: "Status", status: "Failure", ...said }, { status: 404 });
}

function groupOf({ group, apiVersion }: Api) {
  const version = { groupVersion: apiVersion, version: "v1" };
  return { apiVersion: "v1", kind: "APIGroup", name: group, versions: [version], preferredVersion: version };
}

function resourcesOf({ apiVersion }: Api) {
  const verbs = ["create", "delete", "get", "list", "patch", "watch"];
  const thing = { name: "things", singularName: "thing", namespaced: false, kind: "Thing", verbs };
  return { apiVersion: "v1", kind: "APIResourceList", groupVersion: apiVersion, resources: [thing] };
}
