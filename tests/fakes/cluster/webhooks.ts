import { ApiFailure } from "./failure.ts";
import { at, listOr, objectOr } from "./json.ts";
import type { Json } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { Registry } from "./registry.ts";
import type { ResourceType } from "./resources.ts";
import type { Store } from "./store.ts";

const CONFIGURATIONS = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
/** Nobody is asked about these: whoever broke one may mend it. */
const EXEMPT_GROUP = "admissionregistration.k8s.io";

/**
 * Asks the webhooks that a write is for: nothing is behind any of them here, so one that must answer refuses the write.
 * One whose authority is named listens and is silent.
 */
export function checkWebhooks(
  parts: { readonly store: Store; readonly registry: Registry },
  type: ResourceType,
  { object, operation }: { readonly object: KubeObject; readonly operation: "CREATE" | "UPDATE" },
): void {
  if (type.group === EXEMPT_GROUP) return;
  const { namespace = type.kind === "Namespace" ? object.metadata.name : undefined } = object.metadata;
  const holder = namespace === undefined
    ? undefined
    : parts.store.find(parts.registry.builtIn("namespaces"), undefined, namespace);
  const webhooks = CONFIGURATIONS.flatMap((plural) => parts.store.list(parts.registry.builtIn(plural)))
    .flatMap((configuration) => listOr(configuration.webhooks));
  for (const webhook of webhooks.filter((one) => at(one, "failurePolicy") === "Fail")) {
    const isMeant = listOr(at(webhook, "rules")).some((rule) => isFor(rule, type, operation)) &&
      isSelected(at(webhook, "objectSelector"), object.metadata.labels) &&
      (namespace === undefined || isSelected(at(webhook, "namespaceSelector"), holder?.metadata.labels));
    const isSilent = at(at(webhook, "clientConfig") ?? null, "caBundle") !== undefined;
    if (isMeant) throw unanswered(String(at(webhook, "name")), isSilent);
  }
}

function isFor(rule: Json, { group, version, plural }: ResourceType, operation: string): boolean {
  const names = (field: string, value: string) => {
    const named = listOr(at(rule, field));
    return named.includes("*") || named.includes(value);
  };
  return names("apiGroups", group) && names("apiVersions", version) && names("resources", plural) &&
    names("operations", operation);
}

function isSelected(selector: Json | undefined, labels: Readonly<Record<string, string>> = {}): boolean {
  const wanted = Object.entries(objectOr(at(selector, "matchLabels")));
  return wanted.every(([name, value]) => labels[name] === value) &&
    listOr(at(selector, "matchExpressions")).every((expression) => holds(expression, labels));
}

function holds(expression: Json, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[String(at(expression, "key"))];
  const isIn = value !== undefined && listOr(at(expression, "values")).includes(value);
  const answers = { In: isIn, NotIn: !isIn, Exists: value !== undefined, DoesNotExist: value === undefined };
  return answers[String(at(expression, "operator")) as keyof typeof answers];
}

function unanswered(name: string, isSilent: boolean): ApiFailure {
  const why = isSilent ? "context deadline exceeded" : "connect: connection refused";
  const message = `failed calling webhook ${JSON.stringify(name)}: failed to call webhook: ${why}`;
  return new ApiFailure(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}
