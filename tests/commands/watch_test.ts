import assert from "node:assert/strict";
import { AGENTS, delivery } from "./answers.ts";
import { type Answers, called } from "./called.ts";

Deno.test("--watch in a pipe shows what is new or has changed by more than its age, until it is ended", async () => {
  const late = { ...AGENTS[0], connectivity: "late" as const };
  const looks: Look[] = [AGENTS.slice(0, 1), [{ ...AGENTS[0], heartbeat_age_seconds: 9 }], [late], "away", [
    late,
    AGENTS[2],
  ]];

  const table = await called("get agents --watch", watched(looks));
  const json = await called("get agents --watch -o json", watched(looks));

  const names = (text: string) => text.split("\n").map((line) => line.slice(0, 22).trim());
  assert.deepEqual(names(table.output), ["NAME      CONNECTIVITY", ...[
    "berlin-1  connected",
    "berlin-1  late",
    "new       never",
    "",
  ]]);
  assert.equal(
    json.output.trim().split("\n").map((line) => JSON.parse(line).connectivity).join(" "),
    "connected late never",
  );
  assert.deepEqual([table.code, table.notes.match(/it is asked again/g)?.length], [0, 1]);
});

Deno.test("--watch on a terminal draws over what it drew, and no more than has room", async () => {
  const crowd = Array.from({ length: 50 }, (_, at) => ({ ...AGENTS[0], name: `a${at}` }));

  const { output, code } = await called("get agents --watch", {
    ...watched([crowd, crowd]),
    size: { columns: 80, rows: 10 },
  });

  const frames = output.split("\u001b[9A\r\u001b[J");
  assert.deepEqual([frames.length, frames[1]?.split("\n").length, code], [2, 10, 0]);
  assert.match(frames[1] ?? "", /and 43 more\n$/);
});

Deno.test("--watch on a terminal draws what it says beside its list with it: that there is more, that nobody answers", async () => {
  const controller = new AbortController();
  let look = 0;
  const answers: Answers = () => {
    look += 1;
    if (look === 4) queueMicrotask(() => setTimeout(() => controller.abort(), 0));
    const headers = { link: '<?cursor=1>; rel="next"' };
    return look === 2 || look === 3 ? "away" : { body: [delivery(1, "berlin-1")], headers };
  };

  const line = "get deliveries --watch --limit 1";
  const { output, notes } = await called(line, { answers, signal: controller.signal, size: { columns: 90, rows: 10 } });

  const shown = output.replaceAll("\u001b", "␛");
  const frames = shown.replaceAll(/␛\[\d+m/g, "").split(/␛\[\d+A\r␛\[J/);
  const firsts = frames.map((frame) => frame.split("\n").map((one) => one.slice(0, 15)));
  assert.equal(notes, "");
  assert.deepEqual(firsts.slice(0, 4).map((lines) => lines.slice(0, 2)), [
    ...[["These are the f", "AGENT     STACK"], ["What follows is", "These are the f"]],
    ...[["What follows is", "These are the f"], ["These are the f", "AGENT     STACK"]],
  ]);
  assert.deepEqual(shown.match(/␛\[\dA/g)?.slice(0, 3), ["␛[3A", "␛[4A", "␛[4A"]);
});

Deno.test("--watch in a pipe has its titles before the first item, and says once that there is more", async () => {
  const looks: Look[] = [[], AGENTS.slice(0, 1)];
  let look = -1;
  const controller = new AbortController();
  const more: Answers = () => {
    look += 1;
    if (look === 2) queueMicrotask(() => setTimeout(() => controller.abort(), 0));
    return { body: [delivery(1, "berlin-1")], headers: { link: '<?cursor=1>; rel="next"' } };
  };

  const late = await called("get agents --watch", watched(looks));
  const limited = await called("get deliveries --watch --limit 1", { answers: more, signal: controller.signal });

  assert.match(late.output, /^NAME +CONNECTIVITY[^\n]*\nberlin-1 /);
  assert.equal(limited.notes, "These are the first 1; --limit shows more\n");
});

Deno.test("a terminal that does not move its cursor is written to as a pipe is: nothing is drawn over", async () => {
  const dumb = { size: { columns: 80, rows: 10 }, env: { TERM: "dumb" } };

  const agents = await called("get agents --watch", { ...watched([AGENTS, AGENTS]), ...dumb });
  const fleet = await called("top", {
    answers: ({ path }) => ({ body: path.startsWith("agents") ? AGENTS : [] }),
    ...dumb,
  });

  assert.deepEqual([agents, fleet].map(({ code, shown }) => [code, shown.includes("\u001b")]), [
    ...[[0, false], [0, false]],
  ]);
});

Deno.test("top is redrawn on a terminal, goes on without its broker, and ends with 0", async () => {
  const { output, code } = await called("top", {
    ...watched([AGENTS, "away", AGENTS]),
    size: { columns: 80, rows: 10 },
  });

  assert.equal(code, 0);
  assert.match(output, /3 agents[^]*What follows is of before: .*\n3 agents/);
});

type Look = readonly unknown[] | "away";

/** A broker whose lists are as they are said one after the other; then whoever watches has seen enough. */
function watched(looks: readonly Look[]) {
  const controller = new AbortController();
  let look = -1;
  const answers: Answers = ({ path }) => {
    if (!path.startsWith("agents")) return { body: [] };
    look += 1;
    if (look === looks.length - 1) queueMicrotask(() => setTimeout(() => controller.abort(), 0));
    const seen = looks[Math.min(look, looks.length - 1)] ?? "away";
    return seen === "away" ? seen : { body: seen };
  };
  return { answers, signal: controller.signal };
}
