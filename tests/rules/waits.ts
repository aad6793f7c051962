import ts from "typescript";
import { isTest, lineOf, type Source, type Violation, walk } from "./source.ts";

/** Tools that are no tests: their times are limits, or what they show. */
const TOOLS = /^tests\/(bench|setup|demo|run)\/|^tests\/alerts\/(scenarios\/|scenario\.ts|recorder\.ts)/;

/** Tests that wait for, or measure, the machine's own time, each with the reason why none of them depends on it. */
const WAITS: Readonly<Record<string, string>> = {
  "tests/cases/cluster/controller_cases.ts": "whatever a controller still does is waited for, again and again",
  "tests/cases/cluster/ownership_cases.ts": "times of field owners are whole seconds: another one has begun by then",
  "tests/cases/cluster/watch_cases.ts": "it ends a hang, after two minutes",
  "tests/cases/reconcile/door_transport_test.ts": "the door's own clock is moved, from look to look",
  "tests/cases/reconcile/samples.ts": "between tries, of which there are two minutes' worth",
  "tests/cases/reconcile/type_cases.ts": "what may not happen has time to",
  "tests/charts/kubelet.ts": "a probe that hangs is asked again",
  "tests/cluster/admin.ts": "as long as the API server asks for",
  "tests/fakes/cluster/by_hand_test.ts": "a connection that is frozen does not answer, however soon it is left",
  "tests/fakes/cluster/controllers/mod.ts": "controllers take a moment, as real ones do",
  "tests/fakes/cluster/faults.ts": "a test says how late an answer is to be",
  "tests/fakes/cluster/watch.ts": "a client says how long it watches",
  "tests/fuzz/fuzz.ts": "the slowest answer is what its bench tells",
  "tests/model/idle_clock.ts": "what is in flight is let arrive, before time is moved",
  "tests/model/run.ts": "controllers of a real cluster are waited for, as long as they have something to do",
  "tests/postgres/postgres_server.ts": "between two tries to start",
  "tests/system/listener_test.ts": "it ends a hang, after half of what the listener would wait",
  "tests/system/long_answers_test.ts": "the answers' own clock is moved, from look to look",
  "tests/system/prometheus_test.ts": "nothing has to have happened by then: it spreads the work over scrapes",
  "tests/system/stepped_clock.ts": "a program's clock is what a file says, from look to look",
  "tests/system/story_13_test.ts": "a kill comes at a random moment",
  "tests/system/traces_test.ts": "the wait that is traced is to be longer than a second",
  "tests/system/writer.ts": "between tries of a writer that nobody answers",
};

/** Least seconds that a test waits for something, where it says how many. */
const PATIENCE_SECONDS = 120;

/**
 * Where the verdict of a test may depend on how fast the machine is: fixed waits and measured times outside the list
 * above, and deadlines that a busy machine misses.
 */
export function waitViolations(source: Source): Violation[] {
  const { path } = source;
  if (!isTest(path) || TOOLS.test(path)) return [];
  const violations: Violation[] = [];
  walk(source, (node) => {
    const wait = Object.hasOwn(WAITS, path) ? undefined : waitIn(node);
    if (wait !== undefined) add(node, `uses ${wait}: ${WHY_NOT}`);
    if (isShort(node)) add(node, `a deadline below ${PATIENCE_SECONDS} s: a busy machine misses it; leave it out`);
  });
  return violations;

  function add(node: ts.Node, message: string): void {
    violations.push({ path, line: lineOf(source, node), message });
  }
}

const WHY_NOT =
  "a machine that stands still for a second changes what comes of it; poll by waitFor() or eventually(), " +
  "count, or hand a ManualClock in; where none of these will do, say why in tests/rules/waits.ts";

/** Files of the list that wait no more. */
export function idleWaits(sources: readonly Source[]): readonly string[] {
  const waiting = new Set(sources.filter((source) => hasWait(source)).map(({ path }) => path));
  return Object.keys(WAITS).filter((path) => !waiting.has(path));
}

function hasWait(source: Source): boolean {
  let isFound = false;
  walk(source, (node) => isFound ||= waitIn(node) !== undefined);
  return isFound;
}

/** A timer with a time, a measured time, or the import of `pause`. */
function waitIn(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText();
    return text === "performance.now" || text === "AbortSignal.timeout" ? text : undefined;
  }
  if (ts.isImportSpecifier(node)) return node.name.text === "pause" ? "pause()" : undefined;
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return undefined;
  const { expression: { text }, arguments: [first, second] } = node;
  if (text !== "setTimeout" && text !== "setInterval") return undefined;
  const delay = first !== undefined && ts.isNumericLiteral(first) ? first : second; // as node:timers/promises has it
  return delay === undefined || delay.getText() === "0" ? undefined : `${text}()`;
}

/** Whether it is `seconds` or `timeoutMs` of who waits for something, and few of them. */
function isShort(node: ts.Node): boolean {
  if (!ts.isPropertyAssignment(node) || !ts.isNumericLiteral(node.initializer)) return false;
  const perSecond = { seconds: 1, timeoutMs: 1_000 }[node.name.getText()];
  const call = node.parent.parent;
  const isWait = ts.isCallExpression(call) && /^(eventually|waitFor)$/.test(call.expression.getText());
  return isWait && perSecond !== undefined && Number(node.initializer.text) < PATIENCE_SECONDS * perSecond;
}
