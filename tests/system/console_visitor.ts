import assert from "node:assert/strict";

/** A person at the console of a running broker, without a browser. */
export interface ConsoleVisitor {
  /** A page's text, as it was sent. */
  read(path: string): Promise<string>;
}

/** Signs in with a key. */
export async function visitConsole(url: string, pak: string): Promise<ConsoleVisitor> {
  const { status, cookie } = await signInAt(url, pak);
  assert.equal(status, 303);
  return {
    async read(path) {
      const answer = await fetch(`${url}${path}`, { headers: { cookie } });
      const text = await answer.text();
      assert.equal(answer.status, 200, `${path}: ${text}`);
      return text;
    },
  };
}

/** Tries to sign in, and says what came of it. */
export async function signInAt(url: string, pak: string) {
  const answer = await fetch(`${url}/console/sign-in`, {
    ...{ method: "POST", redirect: "manual", headers: { origin: url }, body: new URLSearchParams({ pak }) },
  });
  const [cookie = ""] = (answer.headers.get("set-cookie") ?? "").split(";");
  return { status: answer.status, cookie, text: await answer.text() };
}

/** A page's text as a person reads it: without its tags. */
export function wordsOf(html: string): string {
  const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return html.replaceAll(/<[^>]*>/g, "").replaceAll(/&(\w+|#39);/g, (whole, name) => entities[name] ?? whole);
}
