import assert from "node:assert/strict";

/** Which secrets there are, and everything that was said where none of them may be. */
export class SecretScanner {
  readonly #secrets = new Map<string, string>();
  readonly #said: { readonly where: string; readonly text: string }[] = [];

  /** Counts `secret` as one from now on, with its base64; returns it. `what` names it where it is found. */
  addSecret(what: string, secret: string): string {
    this.#secrets.set(secret, what);
    this.#secrets.set(btoa(secret), `${what}, in base64`);
    return secret;
  }

  /** A key is a secret by its long part, whatever is before it. */
  addKey(what: string, pak: string): string {
    this.addSecret(what, pak.slice(pak.lastIndexOf("_") + 1));
    return pak;
  }

  /** Takes down what a program or an answer said. */
  record(where: string, text: string): void {
    this.#said.push({ where, text });
  }

  /** Sends a request and takes down its whole answer. */
  async ask(url: string, { what = url, ...init }: RequestInit & { client?: Deno.HttpClient; what?: string } = {}) {
    const answer = await fetch(url, init);
    const text = `${JSON.stringify([...answer.headers])}\n${await answer.text()}`;
    this.record(`${init.method ?? "GET"} ${what}: ${answer.status}`, text);
    return { status: answer.status, text };
  }

  /** Fails with every place where a secret was said, which of them, and the words around it. */
  assertNoSecret(): void {
    const found = new Map(
      this.#said.flatMap(({ where, text }) =>
        [...this.#secrets].filter(([secret]) => text.includes(secret)).map(([secret, what]) => {
          const at = text.indexOf(secret);
          return [`\n${where} says ${what}`, text.slice(Math.max(0, at - 120), at + secret.length + 40)] as const;
        })
      ),
    );
    assert.equal(found.size, 0, [...found].map(([leak, words]) => `${leak}: …${words}…`).join("\n"));
  }
}
