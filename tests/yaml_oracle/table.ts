/** Texts of one document that Kubernetes and `lib/yaml` must read the same, or refuse both. */
export const SAME: readonly string[] = [
  ...["y Y yes Yes YES yEs n N no No NO on On ON oN off Off OFF true True TRUE tRUE false False FALSE"]
    .flatMap((words) => words.split(" ")).flatMap((word) => [`a: ${word}`, `${word}: a`, `- "${word}"`, `- '${word}'`]),
  ...["", "~", "null", "Null", "NULL", "nULL", ".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".NAN", ".Nan"].map((a) =>
    `a: ${a}`
  ),
  ..."0 00 -0 +0 7 07 0400 0644 08 089 0o17 0O17 0o8 0x1F 0X1f 0xg 0b101 0B101 0b2 0b 0x 0o -0400 +0x1F -0b101 0b-101 0b+1 -0b-1"
    .split(" ").map((number) => `a: ${number}`),
  ..."1_000 1__0 1_ _1 -_1 0_7 0x_F 0b1_0 1_000.5 1_0e1_0 .5_0 ._5 .5__0 1e3 1E3 1e+3 1e-3 1e400 -1e400 1e-400 .5 5. 5.e3 . .. .e5 1.2.3"
    .split(" ").map((number) => `a: ${number}`),
  ..."9007199254740991 9007199254740992 9007199254740993 -9007199254740993 9223372036854775807 -9223372036854775808"
    .split(" ").flatMap((number) => [`a: ${number}`, `${number}: a`]),
  ..."18446744073709551615 0xFFFFFFFFFFFFFFFF 0xFFFFFFFFFFFFFFFFF 1e20 1e21 123456789012345678.0 0.1e-6 1.7976931348623157e308"
    .split(" ").map((number) => `a: ${number}`),
  ..."1:30 12:30:45 2001-01-01 2001-12-14t21:59:43.10-05:00 2001-1-1 1.5.2 1-2 0.0.0.0/0 10m 1Gi =".split(" ").map((
    a,
  ) => `a: ${a}`),
  ...[
    "1.5: a",
    "0.1: a",
    "0.0: a",
    "-.0: a",
    "-0.0: a",
    "-1e-400: a",
    "0x10: a",
    "1e3: a",
    "~: a",
    "null: a",
    "[b]: a",
    "{b: c}: a",
    "? b\n: a",
    "? |\n  b\n: a",
    "'': a",
  ],
  ..."!!str !!int !!float !!bool !!null ! !mine !!mine !<tag:yaml.org,2002:int>".split(" ").flatMap((tag) =>
    ["5", "'5'", "1.5", "yes", "x", "0x10", ".5", "''", "", "~"].map((value) => `a: ${tag} ${value}`)
  ),
  ...["!!binary aGk=", "!!binary aGk", '!!binary "aG\\nk="', "!!str {b: 1}", "!!int [1]", "!!set {b}", "!mine [1]"].map(
    (a) => `a: ${a}`,
  ),
  "%TAG !e! tag:yaml.org,2002:\n---\na: !e!int 5",
  ...[
    "{<<: {b: 1}, b: 2}",
    "{b: 2, <<: {b: 1}}",
    "{<<: [{b: 1}, {b: 2, c: 3}]}",
    "{<<: 1}",
    "{<<: [1]}",
    "{<<: }",
    "<<",
  ].map((a) => `a: ${a}`),
  ...['{"<<": {b: 1}}', "{!!merge <<: {b: 1}}", "{! <<: {b: 1}}", "{!!str <<: {b: 1}}"].map((a) => `a: ${a}`),
  "a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\ne: {b: 3, <<: *x}\nf: {<<: [*x, {b: 4, d: 5}]}",
  "a: &x [{b: 1}]\nd: {<<: *x}",
  "a: &x [{b: 1}]\nd: {<<: [*x]}",
  "a: &x 1\nb: *x",
  "a: &x k\n*x : 1",
  "a: &x [*x]",
  "a: *x",
  "a: &x 1\nb: &x 2\nc: *x",
  "&x a: 1\nb: *x",
  ...['"\\x41\\u0042\\U0001F600\\e\\_\\N\\L\\P\\0\\ \\\t"', '"x\\\n  y"', '"x\n\n  y"', "'it''s'", "'x\n  y'"].map((
    a,
  ) => `a: ${a}`),
  ...["x\n y", "x #y", "x#y", ":x", "x:y", "-x", "b: c", "- b", "? b", "@x", "`x", "%x", "\tx", "[b, ]", "[b,,c]"].map((
    a,
  ) => `a: ${a}`),
  ...["{b:1}", '{"b":1}', "[b: c, d]", "[? b]", "{b, c: }", "[b:c]", "{b: [c, {d: e}]}"].map((a) => `a: ${a}`),
  "a: [\n  b,\n]",
  "a: [\nb\n]\nc:\n  d: {\n  e: f\n  }\n",
  '{\n\t"a": [\n\t\t1,\n\t\t{"b": null}\n\t]\n}',
  'a:\n  b: "x\ny"\n',
  ...["|", ">", "|-", ">-", "|+", ">+", "|2", ">1-"].map((header) =>
    `a:\n  b: ${header}\n    x\n     y\n\n    z\n\n  c: d`
  ),
  "a: |\n\n  x\n",
  "a: |",
  "a: |\n\tx",
  "a: # b\n  c: d",
  "a:\n- b\n- - c\n  - d\n-\n  e: f\n",
  "a: b\n  c: d",
  "a: 1\r\nb: |\r\n  x\r\n  y\r\n",
  "a: 1\rb: 2",
  "\ufeffa: 1",
  "a: \ufeffb",
  "",
  "# a",
  "---",
  "--- {a: 1}",
  "--- a: 1",
  "a: 1\n...\n",
  "%YAML 1.1\n---\na: 1",
  "%YAML 1.2\n---\na: 1",
  ...["\0", "\x07", "\x7f", "\x9f", "\ufffe"].map((character) => `a: "x${character}y"`),
  "__proto__: {a: 1}\nconstructor: b",
];

/** Texts that Kubernetes reads and we refuse, each with what is said of it: no other value is ever made of one. */
export const REFUSED: ReadonlyMap<string, RegExp> = new Map([
  ["a: 18446744073709551616", /more than 64 bits/],
  ["a: -9223372036854775809", /more than 64 bits/],
  ["a: +18446744073709551615", /more than 64 bits/],
  ["a: 0777777777777777777777777", /more than 64 bits/],
  ["a: 1\na: 2", /must be unique/],
  ["1: a\n'1': b", /must be unique/],
  ["yes: a\ntrue: b", /must be unique/],
  [".inf: a", /infinite/],
  ["1e6: a", /needs quotes/],
  ["12345.678: a", /needs quotes/],
  ["a: !!timestamp 2001-01-01", /tag of a date/],
  ["a: !!binary /w==", /no text in UTF-8/],
  ['a: "\\\'"', /unknown escape/],
  ['a: "x\\\n\n  y"', /escaped end of a line/],
  ['a: "x\u2028y"', /U\+2028/],
  ["a: |# b\n  c", /line break is expected/],
]);

/** Texts that we read and Kubernetes' YAML does not: it reads them as JSON, where they mean the same. */
export const TAKEN: ReadonlyMap<string, string> = new Map([
  ['{"a": "\\ud83d\\ude00"}', '{"a":"\u{1F600}"}'],
  ['{"a": "\\/"}', '{"a":"/"}'],
]);
