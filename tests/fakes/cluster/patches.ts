import { ApiFailure, badRequest } from "./failure.ts";
import { isJsonObject, type Json, type JsonObject, objectOr, sameJson } from "./json.ts";

/** Lays a merge patch (RFC 7396) on a value: null deletes a field, lists are replaced. */
export function mergePatched(base: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged: JsonObject = { ...objectOr(base) };
  for (const [field, inner] of Object.entries(patch)) {
    if (inner === null) delete merged[field];
    else if (inner !== undefined) merged[field] = mergePatched(merged[field], inner);
  }
  return merged;
}

/** Runs the operations of a JSON patch (RFC 6902) on a copy of the value. */
export function jsonPatched(base: Json, patch: Json): Json {
  if (!Array.isArray(patch)) {
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${kindOf(patch)} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  let result = structuredClone(base);
  for (const step of patch) result = runStep(result, objectOr(step));
  return result;
}

function kindOf(patch: Json): string {
  return isJsonObject(patch) ? "object" : typeof patch;
}

function runStep(root: Json, step: JsonObject): Json {
  const { op, value = null } = step;
  const path = String(step.path);
  const from = String(step.from);
  if (op === "test") return sameJson(valueAt(root, path), value) ? root : refuse(`testing value ${path} failed`);
  if (op === "remove") return edit(root, path, remove);
  if (op === "add") return edit(root, path, (holder, key) => add(holder, key, value));
  if (op === "replace") return edit(root, path, (holder, key) => replace(holder, key, value));
  if (op === "copy") return runStep(root, { op: "add", path, value: structuredClone(valueAt(root, from)) });
  if (op === "move") {
    const moved = valueAt(root, from);
    return runStep(runStep(root, { op: "remove", path: from }), { op: "add", path, value: moved });
  }
  return refuse(`Unexpected kind: ${op}`);
}

type Holder = Json[] | JsonObject;

function edit(root: Json, path: string, change: (holder: Holder, key: string) => void): Json {
  const steps = pointer(path);
  const key = steps.pop() ?? refuse("the whole document cannot be patched");
  const holder = steps.reduce(step, root);
  if (!Array.isArray(holder) && !isJsonObject(holder)) return refuse(`missing path: ${path}`);
  change(holder, key);
  return root;
}

function add(holder: Holder, key: string, value: Json): void {
  if (!Array.isArray(holder)) holder[key] = value;
  else holder.splice(key === "-" ? holder.length : Number(key), 0, value);
}

function replace(holder: Holder, key: string, value: Json): void {
  if (!Array.isArray(holder)) holder[key] = value;
  else if (Object.hasOwn(holder, key)) holder[Number(key)] = value;
  else refuse(`replace operation does not apply: doc is missing key: ${key}`);
}

function remove(holder: Holder, key: string): void {
  if (!Object.hasOwn(holder, key)) refuse(`remove operation does not apply: doc is missing key: ${key}`);
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function valueAt(root: Json, path: string): Json {
  return pointer(path).reduce(step, root);
}

function step(value: Json, key: string): Json {
  const inner = Array.isArray(value) ? value[Number(key)] : objectOr(value)[key];
  return inner ?? null;
}

function pointer(path: string): string[] {
  return path.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function refuse(why: string): never {
  const message = "the server rejected our request due to an error in our request";
  throw new ApiFailure(422, "Invalid", message, {}, { cause: new Error(why) });
}
