import assert from "node:assert/strict";
import { stringify } from "yaml";
import { faultText, parseBundle } from "$lib/bundle.ts";

function configMap(name: string, rest = ""): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${rest}`;
}

function faultsOf(content: string): string[] {
  return parseBundle(content).faults.map(faultText);
}

Deno.test("parseBundle() gives each manifest with its document and line", () => {
  const { manifests, faults } = parseBundle(
    `# first\n---\n${configMap("a", "  namespace: x\n")}---\n${configMap("b")}`,
  );

  assert.deepEqual(faults, []);
  assert.deepEqual(manifests, [
    {
      document: 1,
      line: 3,
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "a",
      namespace: "x",
      object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "x" } },
    },
    {
      document: 2,
      line: 9,
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "b",
      namespace: undefined,
      object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b" } },
    },
  ]);
});

Deno.test("parseBundle() passes over empty documents but counts them", () => {
  const { manifests, faults } = parseBundle(`---\n# nothing\n---\nnull\n---\n${configMap("a")}---\n`);

  assert.deepEqual([manifests.map(({ document, line }) => [document, line]), faults], [[[3, 6]], []]);
});

Deno.test("parseBundle() finds nothing and no fault in an empty bundle", () => {
  for (const content of ["", "\n", "# comment\n", "---\n---\n"]) {
    assert.deepEqual(parseBundle(content), { manifests: [], faults: [], furtherFaults: 0 });
  }
});

Deno.test("parseBundle() names all faults of all documents at once, and gives no manifest then", () => {
  const { manifests, faults } = parseBundle(`a: b: c\n---\n${configMap("good")}---\nkind: ConfigMap\n---\nx: [1,\n`);

  assert.deepEqual(manifests, []);
  assert.deepEqual(faults.map(({ document, line }) => [document, line]), [[1, 1], [3, 8], [3, 8], [4, 11]]);
  assert.deepEqual(faults.slice(1, 3).map(faultText), [
    "document 3, line 8: apiVersion must be a non-empty string",
    "document 3, line 8: metadata.name must be a non-empty string",
  ]);
});

Deno.test("parseBundle() is through with a comment in brackets, whatever signs of comments it is made of", () => {
  const { faults } = parseBundle(`${configMap("a")}x: {a: 1, b ${"# ".repeat(200)}c\n}\n`);

  assert.deepEqual(faults, []);
});

Deno.test("parseBundle() counts lines that end in CRLF as one", () => {
  const content = `${configMap("a")}---\n${configMap("a")}`.replaceAll("\n", "\r\n");

  assert.deepEqual(faultsOf(content), ['document 2, line 6: ConfigMap "a" is in document 1 already']);
});

Deno.test("parseBundle() refuses what is no mapping", () => {
  const fault = "document 1, line 1: must be a mapping with apiVersion, kind and metadata.name";
  const is = { hello: "a string", "- a": "a list", 3: "a number", true: "a boolean" };

  for (const [content, what] of Object.entries(is)) assert.deepEqual(faultsOf(content), [`${fault}, and is ${what}`]);
});

Deno.test("parseBundle() refuses names, kinds and namespaces that are longer than Kubernetes has any", () => {
  const fits = {
    apiVersion: "v1",
    kind: "K".repeat(63),
    metadata: { name: "n".repeat(253), namespace: "x".repeat(63) },
  };
  const tooLong = {
    apiVersion: "v1",
    kind: `${fits.kind}K`,
    metadata: { name: "n".repeat(254), namespace: "x".repeat(64) },
  };

  assert.deepEqual(faultsOf(stringify(fits)), []);
  assert.deepEqual(faultsOf(stringify(tooLong)), [
    "document 1, line 1: kind must have at most 63 characters",
    "document 1, line 1: metadata.name must have at most 253 characters",
    "document 1, line 1: metadata.namespace must have at most 63 characters",
  ]);
});

Deno.test("parseBundle() refuses names, kinds and namespaces that are no text", () => {
  const faults = faultsOf("apiVersion: 1\nkind: ''\nmetadata: {name: [5], namespace: y}\n");

  assert.deepEqual(faults, [
    "document 1, line 1: apiVersion must be a non-empty string, and is a number: put it in quotes",
    "document 1, line 1: kind must be a non-empty string",
    "document 1, line 1: metadata.name must be a non-empty string",
    "document 1, line 1: metadata.namespace must be a non-empty string, and is a boolean: put it in quotes",
  ]);
  assert.deepEqual(faultsOf("apiVersion: v1\nkind: X\nmetadata: [1]\n"), [
    "document 1, line 1: metadata.name must be a non-empty string",
  ]);
  assert.deepEqual(faultsOf("apiVersion: v1\nkind: X\nmetadata: { generateName: a- }\n"), [
    "document 1, line 1: metadata.generateName would make another object each time: give it a metadata.name",
  ]);
});

Deno.test("parseBundle() refuses a key given twice, where the second stands", () => {
  assert.deepEqual(faultsOf(configMap("a", "kind: Secret\n")), ["document 1, line 5: Map keys must be unique"]);
});

Deno.test("parseBundle() refuses an object given twice, and takes one name in two namespaces or kinds for two", () => {
  const inX = configMap("a", "  namespace: x\n");
  const inY = configMap("a", "  namespace: 'y'\n");
  const secret = configMap("a").replace("ConfigMap", "Secret");

  const { manifests } = parseBundle([inX, inY, configMap("a"), secret].join("---\n"));

  assert.equal(manifests.length, 4);
  assert.deepEqual(faultsOf([inX, inX].join("---\n")), ['document 2, line 7: ConfigMap "a" is in document 1 already']);
});

Deno.test("parseBundle() takes a List for its items, each with its own line", () => {
  const item = (name: string) => `- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: "${name}"}\n`;
  const list = (...names: string[]) => `apiVersion: v1\nkind: List\nitems:\n${names.map(item).join("")}`;

  const { manifests } = parseBundle(list("a", "b"));

  assert.deepEqual(manifests.map(({ name, document, line }) => [name, document, line]), [["a", 1, 4], ["b", 1, 7]]);
  assert.deepEqual(faultsOf(list("a", "", "a")), [
    "document 1, line 7: items[1]: metadata.name must be a non-empty string",
    'document 1, line 10: ConfigMap "a" is in document 1 already',
  ]);
});

Deno.test("parseBundle() says which item of a list is no manifest, in a list in one line and in another list too", () => {
  const must = "must be a mapping with apiVersion, kind and metadata.name, and is";

  assert.deepEqual(faultsOf("apiVersion: v1\nkind: List\nitems:\n- null\n- 3\n- [a]\n- text\n"), [
    `document 1, line 4: items[0]: ${must} null`,
    `document 1, line 5: items[1]: ${must} a number`,
    `document 1, line 6: items[2]: ${must} a list`,
    `document 1, line 7: items[3]: ${must} a string`,
  ]);
  const named = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
  const inner = { apiVersion: "v1", kind: "List", items: [null, { ...named, kind: 3 }] };
  assert.deepEqual(faultsOf(JSON.stringify({ ...inner, items: [named, inner] })), [
    `document 1, line 1: items[1].items[0]: ${must} null`,
    "document 1, line 1: items[1].items[1]: kind must be a non-empty string, and is a number: put it in quotes",
  ]);
});

Deno.test("parseBundle() says of a list without items that they are missing, or what they are", () => {
  const is = { "": "is missing", "items: {}": "is a mapping", "items: a": "is a string", "items: 3": "is a number" };

  for (
    const head of ["kind: List", "kind: List\nmetadata: {name: a}", "kind: RoleList", "kind: RoleList\nmetadata: {}"]
  ) {
    for (const [items, what] of Object.entries(is)) {
      const why = `items must be a list of manifests, and ${what}`;
      assert.deepEqual(faultsOf(`apiVersion: v1\n${head}\n${items}\n`), [`document 1, line 1: ${why}`]);
    }
  }
});

Deno.test("parseBundle() takes a List of v1 for its items even where it has a name, for there is no such object", () => {
  const { manifests } = parseBundle(
    "apiVersion: v1\nkind: List\nmetadata: {name: all}\nitems:\n- {apiVersion: v1, kind: X, metadata: {name: a}}\n",
  );

  assert.deepEqual(manifests.map(({ name }) => name), ["a"]);
});

Deno.test("parseBundle() writes out aliases and merges, as Kubernetes does", () => {
  const { manifests } = parseBundle(configMap("a", "data: &all {k: v}\nmore:\n  <<: *all\n  l: w\nsame: *all\n"));

  assert.deepEqual(manifests[0]?.object.more, { k: "v", l: "w" });
  assert.deepEqual(manifests[0]?.object.same, { k: "v" });
});

Deno.test("parseBundle() takes a list of any kind for its items, which have its version and kind where they name none", () => {
  const { manifests, faults } = parseBundle(
    "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n- {apiVersion: v1, kind: List, items: [{apiVersion: v2, kind: X, metadata: {name: b}}]}\n",
  );

  assert.deepEqual(faults, []);
  assert.deepEqual(manifests.map(({ apiVersion, kind, name, line }) => [apiVersion, kind, name, line]), [
    ["v1", "ConfigMap", "a", 4],
    ["v2", "X", "b", 5],
  ]);
});

Deno.test("parseBundle() takes items that are null for none, as a list that a template left empty has them", () => {
  const one = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
  const read = ["items: null", "items:", "items: []", "metadata: {resourceVersion: ''}\nitems:"].map((items) =>
    parseBundle(`apiVersion: v1\nkind: RoleList\n${items}\n${one}`)
  );

  assert.deepEqual(read.map(({ manifests, faults }) => [manifests.map(({ name }) => name), faults]), [
    ...Array.from({ length: 4 }, () => [["a"], []]),
  ]);
});

Deno.test("parseBundle() takes an object with a name for itself, whatever its kind ends with and however many items it has", () => {
  const { manifests } = parseBundle("apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nitems: [b]\n");

  assert.deepEqual(manifests.map(({ kind, object }) => [kind, object.items]), [["AllowList", ["b"]]]);
});

Deno.test("parseBundle() takes no namespace for none, null and an empty text too", () => {
  for (const namespace of ["", "~", "''", '""', "null"]) {
    const { manifests } = parseBundle(configMap("a", `  namespace: ${namespace}\n`));
    assert.deepEqual(manifests.map((one) => one.namespace), [undefined]);
  }
  assert.deepEqual(faultsOf(`${configMap("a", "  namespace:\n")}---\n${configMap("a")}`), [
    'document 2, line 7: ConfigMap "a" is in document 1 already',
  ]);
});

Deno.test("parseBundle() reads documents that begin with a byte order mark, the later ones too", () => {
  const { manifests, faults } = parseBundle(
    `\ufeff${configMap("a")}---\n\ufeff${configMap("b")}\ufeff---\n${configMap("c")}`,
  );

  assert.deepEqual([manifests.map(({ name, line }) => [name, line]), faults], [[["a", 1], ["b", 6], ["c", 11]], []]);
});

Deno.test("parseBundle() refuses an alias without its anchor, where it stands", () => {
  assert.deepEqual(faultsOf(configMap("a", "data: *nothing\n")), [
    "document 1, line 5: is an alias without its anchor",
  ]);
});

Deno.test("parseBundle() refuses a bomb of aliases at once", () => {
  const levels = Array.from(
    { length: 9 },
    (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(", ")}]\n`,
  );

  const faults = faultsOf(configMap("a", `l0: &l0 [x]\n${levels.join("")}`));

  assert.deepEqual(faults, ["document 1, line 11: is larger than 8 MiB once its aliases are written out"]);
});

Deno.test("parseBundle() refuses few aliases of something large, in many documents too, and what contains itself", () => {
  const aliases = (times: number) => `x: &x ${"y".repeat(1024 * 1024)}\nz: [${Array(times).fill("*x").join(", ")}]\n`;
  const fault = "is larger than 8 MiB once its aliases are written out";

  assert.deepEqual(faultsOf(configMap("a", aliases(9))), [`document 1, line 6: ${fault}`]);
  assert.deepEqual(faultsOf(`${configMap("a", aliases(5))}---\n${configMap("b", aliases(5))}`), [
    `document 2, line 13: ${fault}`,
  ]);
  assert.deepEqual(faultsOf(configMap("a", "x: &x\n  y: *x\n")), ["document 1, line 6: contains itself"]);
});

Deno.test("parseBundle() refuses more than ten thousand aliases, however small, of all documents together", () => {
  const aliases = (times: number) => `x: &x 1\ny: [${"*x,".repeat(times)}]\n`;

  assert.deepEqual(faultsOf(`${configMap("a", aliases(5_000))}---\n${configMap("b", aliases(5_000))}`), []);
  assert.deepEqual(faultsOf(`${configMap("a", aliases(5_000))}---\n${configMap("b", aliases(5_001))}`), [
    "document 2, line 13: has more than 10,000 aliases",
  ]);
});

Deno.test("parseBundle() reads YAML 1.1 only, and every tag as Kubernetes does", () => {
  const { manifests } = parseBundle(`%YAML 1.1\n---\n${configMap("a", "data: {a: !mine x, b: !!binary aGk=}\n")}`);

  assert.deepEqual(manifests[0]?.object.data, { a: "x", b: "hi" });
  assert.deepEqual(faultsOf(`%YAML 1.2\n---\n${configMap("a")}`), [
    "document 1, line 1: must be YAML 1.1, as Kubernetes reads it",
  ]);
});

Deno.test("parseBundle() refuses labels and annotations that are the program's, its marks aside", () => {
  const metadata = (rest: string) => `apiVersion: v1\nkind: X\nmetadata:\n  name: a\n  ${rest}\n`;
  const marks = "annotations: {brokkr.io/owner-id: a, brokkr.io/manifest-checksum: b, brokkr.io/adopted: c}";

  assert.deepEqual(faultsOf(metadata(`${marks}\n  labels: {applyset.kubernetes.io/part-of: x}`)), []);
  assert.deepEqual(faultsOf(metadata("labels: {applyset.kubernetes.io/id: x}")), [
    'document 1, line 1: brings the label "applyset.kubernetes.io/id", which is ours',
  ]);
  assert.match(
    faultsOf(metadata("annotations: {brokkr.io/epoch: x, brokkr.io/prune: off}")).join("\n"),
    /epoch.*\n.*prune/,
  );
});

Deno.test("parseBundle() takes twenty thousand objects, and no more", () => {
  const list = (count: number) =>
    `kind: ConfigMapList\napiVersion: v1\nitems:\n${
      Array.from({ length: count }, (_, n) => `- metadata: {name: n${n}}\n`).join("")
    }`;

  assert.equal(parseBundle(list(20_000)).manifests.length, 20_000);
  assert.deepEqual(faultsOf(list(20_002)), [
    "document 1, line 20004: is one too many: a bundle has at most 20,000 objects",
  ]);
});

Deno.test("parseBundle() refuses more lines and structural marks than 600,000, and parses nothing of it then", () => {
  const document = configMap("a", `data:\n${"  # ,\n".repeat(140_000)}`);

  assert.deepEqual(faultsOf([document, document, document].join("---\n")), [
    "document 3, line 300009: is more than is read: a bundle has at most 600,000 lines and structural marks",
  ]);
});

Deno.test("parseBundle() refuses more lines and structural marks than 300,000 in one document, and parses nothing of it", () => {
  const marks = "  # ,\n".repeat(150_000);

  assert.deepEqual(faultsOf(configMap("a", `data:\n${marks}`)), [
    "document 1, line 150003: is more than is read at once: a document has at most 300,000 lines and structural marks",
  ]);
});

Deno.test("parseBundle() names a hundred faults and counts the rest", () => {
  const { faults, furtherFaults } = parseBundle("- no mapping\n---\n".repeat(250));

  assert.deepEqual([faults.length, furtherFaults], [100, 150]);
});

Deno.test("parseBundle() refuses what is nested too deeply", () => {
  const nested = (levels: number) => configMap("a", `x: ${"[".repeat(levels)}${"]".repeat(levels)}\n`);

  assert.deepEqual(faultsOf(nested(99)), []); // the mapping around it is the hundredth
  for (const levels of [100, 5_000]) {
    assert.deepEqual(faultsOf(nested(levels)), ["document 1, line 5: is nested too deeply"]);
  }
});

Deno.test("parseBundle() quotes nothing of a text that it cannot read", () => {
  const values = [
    "*hunter2",
    "!hunter2",
    "!hunter2!",
    "!<hunter2>",
    "|hunter2",
    '"\\xhunter2"',
    "]hunter2",
    "{}\n]\nhunter2",
  ];

  const faults = values.flatMap((value) => faultsOf(`apiVersion: v1\nkind: Secret\nstringData:\n  key: ${value}\n`));

  assert.equal(faults.length >= values.length, true);
  assert.doesNotMatch(faults.join("\n"), /hu|ter2/);
});

Deno.test("parseBundle() finds repeated keys in large mappings", () => {
  const entries = Array.from({ length: 16_000 }, (_, n) => `  k${n}: { k: 1, k: 2 }\n`).join("");

  const { faults, furtherFaults } = parseBundle(configMap("a", `data:\n${entries}  k0: 1\n`));

  assert.equal(faults.length + furtherFaults, 16_001);
  assert.deepEqual(faults.at(-1), { document: 1, line: 105, message: "Map keys must be unique" });
});

Deno.test("parseBundle() refuses labels and annotations that are no texts, and says of each what it is", () => {
  const metadata = (rest: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, ${rest} }\n`;
  const saidOf = (rest: string) => faultsOf(metadata(rest)).map((fault) => fault.replace("document 1, line 1: ", ""));

  assert.deepEqual(saidOf("labels: hunter2"), ["metadata.labels must be a mapping of strings"]);
  assert.deepEqual(saidOf("annotations: [hunter2]"), ["metadata.annotations must be a mapping of strings"]);
  assert.deepEqual(saidOf('labels: "", annotations: 5'), [
    "metadata.labels must be a mapping of strings",
    "metadata.annotations must be a mapping of strings",
  ]);
  const number = 'metadata.labels["a"] must be a string, and is a number: put it in quotes';
  assert.deepEqual(saidOf("labels: { b: x, a: 1 }"), [number]);
  const boolean = 'metadata.annotations["a"] must be a string, and is a boolean: put it in quotes';
  assert.deepEqual(saidOf("annotations: { a: on }"), [boolean]);
  assert.deepEqual(saidOf("annotations: { a: [hunter2] }"), ['metadata.annotations["a"] must be a string']);
  assert.deepEqual(saidOf("labels: { a: null, b: }, annotations: ~"), []);
});

Deno.test("parseBundle() refuses a name or namespace by which a path would lead to another object", () => {
  for (const name of [".", "..", "a/b", "../../secrets/x", "a%2fb"]) {
    assert.deepEqual(faultsOf(configMap(`"${name}"`, `  namespace: "${name}"\n`)), [
      'document 1, line 1: metadata.name must not be "." or "..", nor hold "/" or "%"',
      'document 1, line 1: metadata.namespace must not be "." or "..", nor hold "/" or "%"',
    ]);
  }
  assert.deepEqual(faultsOf(configMap('"system:a..b c?#"')), []);
});
