import ts from "typescript";
import { lineOf, type Source, type Violation, walk } from "./source.ts";

/** Words of pictures, and what this field calls the thing. A name is found by the field's word, or not at all. */
const PICTURES: ReadonlyMap<string, string> = new Map([
  ["ground", "the servers, the database, the environment"],
  ["told", "changed, reported, notified, options"],
  ["tell", "report, warn, log, notify"],
  ["tells", "reports, counts"],
  ["telling", "reporting"],
  ["standing", "state, standby"],
  ["hear", "listen, wait for"],
  ["hears", "listens, waits for"],
  ["hearing", "listening, waiting, listeners"],
  ["ears", "scanner, listener"],
  ["birth", "creation"],
  ["born", "created"],
  ["bear", "create"],
  ["nursery", "the place where something is created"],
  ["workshop", "worker, pool"],
  ["foundation", "startup"],
  ["slot", "semaphore, place, candidate"],
  ["slots", "semaphore, places, candidates"],
  ["fate", "outcome"],
]);
/**
 * `Host` is the network's word for a machine, so that only types are asked: a host that answers is a request handler.
 */
const HOST_TYPE = /^(?=.*[a-z])([A-Z][A-Za-z0-9]*)?Host(?![a-z])/;

/** Identifiers that hold a word of a picture, and files that are named by one. Prose is free. */
export function wordViolations(source: Source): Violation[] {
  const file = source.path.split("/").at(-1) ?? "";
  const violations = pictureIn(file).map((word) => violation(source, { line: 1, name: file, word }));
  walk(source, (node) => {
    if (!ts.isIdentifier(node) && !ts.isPrivateIdentifier(node)) return;
    const place = { line: lineOf(source, node), name: node.text };
    violations.push(...pictureIn(node.text).map((word) => violation(source, { ...place, word })));
    if (HOST_TYPE.test(node.text)) violations.push(violation(source, { ...place, word: "host" }));
  });
  return violations;
}

function pictureIn(name: string): readonly string[] {
  const words = name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];
  return words.map((word) => word.toLowerCase()).filter((word) => PICTURES.has(word));
}

function violation({ path }: Source, { line, name, word }: { line: number; name: string; word: string }): Violation {
  const instead = PICTURES.get(word) ?? "request handler, server address";
  const message = `"${name}" says "${word}": a newcomer greps in the field's own words, such as ${instead}`;
  return { path, line, message };
}
