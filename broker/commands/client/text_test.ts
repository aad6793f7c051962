import assert from "node:assert/strict";
import type { OutputStream } from "$lib/terminal.ts";
import { Screen } from "./screen.ts";
import { tableLines } from "./table.ts";
import { ageText, cut, padded, plain, sizeText, widthOf } from "./text.ts";

Deno.test("cut() keeps whole characters, and as many columns as there are, of any script", () => {
  const cases: (readonly [text: string, width: number, kept: string])[] = [
    ["berlin", 6, "berlin"],
    ["berlin-1", 6, "berli…"],
    ["東京第一", 8, "東京第一"],
    ["東京第一", 7, "東京第…"],
    ["東京第一", 6, "東京…"],
    ["👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 3, "👩‍👩‍👧‍👦…"],
    ["e\u0301e\u0301e\u0301", 2, "e\u0301…"],
    ["berlin", 1, "…"],
    ["berlin", 0, ""],
  ];
  for (const [text, width, kept] of cases) assert.equal(cut(text, width), kept);
  assert.deepEqual([widthOf("東京-1"), widthOf(padded("東京", 6)), padded("abc", 2)], [6, 6, "abc"]);
});

Deno.test("plain() shows what moves the cursor or turns text around as one sign, and breaks no line", () => {
  assert.equal(plain("a\u001b[2Jb"), "a\ufffd[2Jb");
  assert.equal(plain("one\n\ttwo"), "one two");
  assert.equal(plain("evil\u202etxt.exe"), "evil\ufffdtxt.exe");
  assert.equal(plain("東京 é"), "東京 é");
});

Deno.test("a table gives its widest columns less, and leaves out the last where not even ten characters of each fit", () => {
  const columns = ["NAME", "WHY", "LAST"].map((title, at) => ({
    title,
    cell: (row: readonly string[]) => row[at] ?? "",
  }));
  const rows = [["berlin-1", "a rather long reason that nobody reads to its end", "x"], ["東京-1", "short", "y"]];
  const lines = (width?: number) => tableLines(rows, columns, { paint: (text) => text, nowMs: 0, width });

  assert.deepEqual(lines(30), [
    "NAME      WHY             LAST",
    "berlin-1  a rather long…  x",
    "東京-1    short           y",
  ]);
  assert.ok(lines(25).every((line) => widthOf(line) <= 25));
  assert.deepEqual(lines(20).map((line) => line.split(/ {2,}/).length), [2, 2, 2]);
});

Deno.test("a screen takes away what a window that became narrower has wrapped", () => {
  let written = "";
  let columns = 20;
  const stream: OutputStream = {
    isTerminal: true,
    size: () => ({ columns, rows: 10 }),
    write: (text) => void (written += text),
  };
  const screen = new Screen(stream);

  screen.draw(["x".repeat(20), "short"]);
  columns = 8;
  screen.draw(["y"]);
  screen.clear();

  assert.equal(written, `${"x".repeat(20)}\nshort\n\u001b[4A\r\u001b[Jy\n\u001b[1A\r\u001b[J`);
});

Deno.test("a screen cuts coloured lines, too, and leaves no colour open", () => {
  let written = "";
  const size = () => ({ columns: 8, rows: 10 });
  const screen = new Screen({ isTerminal: true, size, write: (text) => void (written += text) });

  screen.draw(["ab\u001b[32mcdef\u001b[0m, \u001b[31m東京\u001b[0m, more"]);

  assert.equal(written, "ab\u001b[32mcdef\u001b[0m, \u001b[31m\u001b[0m\n");
});

Deno.test("ages and sizes are as people say them", () => {
  assert.deepEqual([0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(ageText), [
    "0s",
    "119s",
    "2m",
    "119m",
    "2h",
    "47h",
    "2d",
  ]);
  assert.deepEqual([812, 4_300, 17_000_000].map(sizeText), ["812 B", "4.2 KB", "16 MB"]);
});
