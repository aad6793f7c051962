/** As agents name a stack: its name as JSON writes it. */
const NAMED = /\bstack ("(?:[^"\\]|\\.){1,512}")/g;

/** What a team is told in the place of a stack's name that is another's. */
const ANOTHERS = "another owner's stack";

/** The names of stacks in what agents said, anywhere in a body. */
export function stacksNamedIn(body: unknown): readonly string[] {
  const names = new Set<string>();
  mapTexts(body, (text) => {
    for (const [, quoted = ""] of text.matchAll(NAMED)) names.add(nameOf(quoted));
    return text;
  });
  return [...names];
}

/** The body with each stack but these named no more. */
export function withoutOtherStacks<T>(body: T, own: ReadonlySet<string>): T {
  const hide = (said: string, quoted: string) => own.has(nameOf(quoted)) ? said : ANOTHERS;
  return mapTexts(body, (text) => text.replace(NAMED, hide)) as T;
}

/** An agent that is older writes a name as it is. */
function nameOf(quoted: string): string {
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted.slice(1, -1);
  }
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, mapTexts(field, map)]));
}
