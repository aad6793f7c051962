import ts from "typescript";
import { isTest, lineOf, type Source, type Violation, walk } from "./source.ts";
import { unusedExports } from "./uses.ts";

/** What tests alone take, or nobody gives, and why it stays: by file and name; of a member with or by its interface. */
type Kept = Readonly<Record<string, string>>;

const MANY_CASES = "its own file uses it, and its cases are too many to be tried through what calls it";
const OF_THE_API = "a meter of the OpenTelemetry API has it: whoever is handed ours may call it";
const FROM_OUTSIDE = "what has this shape is parsed, or written, as others made it";

/** Of this repository. */
const KEPT: Kept = {
  "broker/settings.ts#readBrokerSettings": "tests read settings as main.ts does, and start no program",
  "agent/kube/compare/fights.ts#managerOf": MANY_CASES,
  "lib/metrics/text.ts#boundText": MANY_CASES,
  "lib/bundle.ts#parseBundle":
    "many cases of what a bundle means read a whole one; programs do not keep all of it at once",
  "lib/exposition.ts#formatFor": MANY_CASES,
  "lib/kubernetes/refusal.ts#withoutValues": MANY_CASES,
  "docs/generate/charts/schema.ts#variablesIn": "tests ask the charts which settings they name",
  "lib/metrics/meter.ts#DeclaredMeter.createUpDownCounter": OF_THE_API,
  "lib/metrics/meter.ts#DeclaredMeter.createObservableCounter": OF_THE_API,
  "lib/metrics/meter.ts#DeclaredMeter.createObservableGauge": OF_THE_API,
  "lib/metrics/meter.ts#DeclaredMeter.createObservableUpDownCounter": OF_THE_API,
  "lib/metrics/meter.ts#DeclaredMeter.addBatchObservableCallback": OF_THE_API,
  "lib/metrics/meter.ts#DeclaredMeter.removeBatchObservableCallback": OF_THE_API,
  "lib/metrics.ts#Registry.meterProvider": "an import that brings instruments of its own is given it; none does so far",
  "lib/kubernetes/kubeconfig.ts#KubeconfigSource.serviceAccountFolder": "tests have no /var/run/secrets",
  "lib/telemetry/otlp.ts#OtlpParts.makeClient": "tests count clients, and see what they are made of",
  "lib/telemetry/push.ts#PushReader.onForceFlush": "a reader of the SDK has it",
  "lib/telemetry/push.ts#PushReader.onShutdown": "a reader of the SDK has it",
  "broker/parsing/worker_parsing.ts#ParsingWorkerParts.startWorker": "tests hold a worker up, or end it",
  "agent/kube/reading/bundles.ts#BundleCacheParts.startWorker": "tests hold a worker up, or end it",
  "lib/database/failures.ts#DriverError": FROM_OUTSIDE,
  "lib/kubernetes/asker.ts#Asker": FROM_OUTSIDE,
  "lib/kubernetes/types.ts#ObjectMeta": FROM_OUTSIDE,
  "lib/kubernetes/types.ts#ManagedFields": FROM_OUTSIDE,
  "lib/kubernetes/types.ts#OwnerReference": FROM_OUTSIDE,
  "agent/kube/reading/own_pod_parts.ts#Source": FROM_OUTSIDE,
  "agent/kube/reading/own_pod_parts.ts#Container": FROM_OUTSIDE,
  "agent/kube/reading/own_pod_parts.ts#PodSpec": FROM_OUTSIDE,
  "agent/kube/reading/own_rights.ts#Binding": FROM_OUTSIDE,
  "broker/http/openapi_document.ts#OpenApiDocument": FROM_OUTSIDE,
  "broker/http/openapi_document.ts#Parameter": FROM_OUTSIDE,
  "broker/http/openapi_document.ts#Operation": FROM_OUTSIDE,
  "broker/http/openapi_document.ts#Schema": FROM_OUTSIDE,
  "docs/generate/charts/schema.ts#ValueSchema": FROM_OUTSIDE,
  "docs/generate/dashboards/panel.ts#Query.mayBeEmpty": "tests ask each panel, and need to know which may be silent",
};

/**
 * What the product has for its tests alone, or for nobody: exports that no file of the product takes (a bound by which
 * tests count, in capitals, may be read where its own file uses it), members that none reads, optional ones that none
 * gives. Members are told apart by name alone: it is enough that any other of that name is read. A reason in `kept` for
 * what is not so any more is a violation, too.
 */
export function deadOutsideTests(sources: readonly Source[], kept: Kept = KEPT): readonly Violation[] {
  const product = sources.filter(({ path }) => !isTest(path));
  const found = [...deadExports(product), ...deadMembers(product)];
  const stale = Object.keys(kept).filter((name) => found.every(({ names }) => !names.includes(name)));
  return [
    ...found.filter(({ names }) => !names.some((name) => Object.hasOwn(kept, name))),
    ...stale.map((name) => ({
      path: "tests/rules/dead.ts",
      line: 1,
      message: `${name} is in use: it needs no reason`,
    })),
  ];
}

interface Dead extends Violation {
  /** As `kept` may name it. */
  readonly names: readonly string[];
}

const BOUND = /^[A-Z][A-Z0-9_]*$/;

function deadExports(product: readonly Source[]): readonly Dead[] {
  const byPath = new Map(product.map((source) => [source.path, source]));
  return unusedExports(product).flatMap(({ path, line, message }) => {
    const [name = ""] = message.split(":");
    const source = byPath.get(path);
    if (source !== undefined && BOUND.test(name) && timesNamed(source, name) > 1) return [];
    return [{ path, line, names: [`${path}#${name}`], message: `${name}: only tests take it: ${END_IT}` }];
  });
}

const END_IT = "take it out with its tests, test what uses it, or give the reason in tests/rules/dead.ts";

function timesNamed(source: Source, name: string): number {
  let times = 0;
  walk(source, (node) => {
    if (ts.isIdentifier(node) && node.text === name) times += 1;
  });
  return times;
}

function deadMembers(product: readonly Source[]): readonly Dead[] {
  const { read, given } = namesIn(product);
  return product.flatMap((source) =>
    membersOf(source).flatMap(({ owner, name, isOptional }) => {
      const isRead = read.has(name.text);
      if (isRead && (!isOptional || given.has(name.text))) return [];
      const names = [`${source.path}#${owner}`, `${source.path}#${owner}.${name.text}`];
      const message = `${owner}.${name.text}: only tests ${isRead ? "give" : "read"} it: ${END_IT}`;
      return [{ path: source.path, line: lineOf(source, name), names, message }];
    })
  );
}

interface Member {
  readonly owner: string;
  readonly name: ts.Identifier;
  readonly isOptional: boolean;
}

function membersOf(source: Source): readonly Member[] {
  const members: Member[] = [];
  walk(source, (node) => {
    if (!ts.isInterfaceDeclaration(node) && !ts.isClassDeclaration(node)) return;
    for (const member of node.members) {
      if (member.name === undefined || !ts.isIdentifier(member.name)) continue;
      const isOptional = ts.isPropertySignature(member) && member.questionToken !== undefined;
      members.push({ owner: node.name?.text ?? "", name: member.name, isOptional });
    }
  });
  return members;
}

/** Names that the files read of anything, and that they give to anything. */
function namesIn(
  sources: readonly Source[],
): { readonly read: ReadonlySet<string>; readonly given: ReadonlySet<string> } {
  const [read, given] = [new Set<string>(), new Set<string>()];
  for (const source of sources) {
    walk(source, (node) => {
      const name = nameRead(node);
      if (name !== undefined) read.add(name);
      if (ts.isObjectLiteralElementLike(node) || ts.isPropertyDeclaration(node)) given.add(textOf(node.name) ?? "");
    });
  }
  return { read, given };
}

/** `x.name`, `{ name }` of a pattern, `x["name"]`, or a type that picks `"name"`. */
function nameRead(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (ts.isBindingElement(node)) return textOf(node.propertyName ?? node.name);
  if (ts.isElementAccessExpression(node)) return textOf(node.argumentExpression);
  return ts.isLiteralTypeNode(node) ? textOf(node.literal) : undefined;
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node !== undefined && (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) ? node.text : undefined;
}
