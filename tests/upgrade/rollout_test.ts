import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { waitFor } from "../run/wait.ts";
import type { Program } from "../system/programs.ts";
import { openUpgrade } from "./upgrade.ts";

const CLIENTS = 4;
const LIST = "/api/v1/generators";

/**
 * What the broker's chart makes of an upgrade: one more broker first (`maxSurge` 1, `maxUnavailable` 0), requests once
 * it is ready, then none to one of the old ones (`preStop`), and only after that its end.
 */
testWith(
  "postgres",
  "brokers of 0.10.0 are replaced one after another, and no request of a client is refused or lost",
  async (test) => {
    await using parts = new AsyncDisposableStack();
    const { adminPak, start } = await openUpgrade(parts);
    const before = [await start("0.10.0"), await start("0.10.0")];
    const service = new Service(before);
    const clients = parts.use(startClients(service, adminPak));

    for (const one of before) {
      service.add(await start("now"));
      await clients.turnOver();
      service.forget(one);
      await clients.turnOver(); // what preStopSleepSeconds is for: nobody turns to it any more
      assert.equal(await one.stop(), 0);
      await clients.turnOver();
    }

    assert.deepEqual([...clients.answers.keys()], ["200"]);
    assert.ok((clients.answers.get("200") ?? 0) > 6 * CLIENTS);

    await test.step("a broker that ends before it is forgotten does refuse, so that the clients would have seen it", async () => {
      const [first] = service.brokers;
      assert.equal(await first?.stop(), 0);

      await waitFor(() => Promise.resolve(clients.answers.size > 1 || undefined), { what: "see a request refused" });
    });
  },
);

/** Whom a client may turn to, in turn. */
class Service {
  readonly brokers: Program[];
  #next = 0;

  constructor(brokers: readonly Program[]) {
    this.brokers = [...brokers];
  }

  add(broker: Program): void {
    this.brokers.push(broker);
  }

  forget(broker: Program): void {
    this.brokers.splice(this.brokers.indexOf(broker), 1);
  }

  pick(): Program {
    const broker = this.brokers[this.#next++ % this.brokers.length];
    assert.ok(broker !== undefined, "there is always one");
    return broker;
  }
}

interface Clients extends AsyncDisposable {
  /** How many requests ended how: by their status, or by what became of them instead. */
  readonly answers: ReadonlyMap<string, number>;
  /** Waits until each client has asked every broker that there is, and has begun anew. */
  turnOver(): Promise<void>;
}

/** Clients that ask without a pause, each on the connections that it has. */
function startClients(service: Service, pak: string): Clients {
  const answers = new Map<string, number>();
  const asked = Array.from({ length: CLIENTS }, () => 0);
  let isOver = false;
  const work = asked.map(async (_, i) => {
    while (!isOver) {
      const result = await ask(`${service.pick().url}${LIST}`, pak);
      answers.set(result, (answers.get(result) ?? 0) + 1);
      asked[i] = (asked[i] ?? 0) + 1;
    }
  });
  return {
    answers,
    async turnOver() {
      const goals = asked.map((count) => count + 2 * service.brokers.length);
      const areOver = () => asked.every((count, i) => count >= (goals[i] ?? 0)) || undefined;
      await waitFor(() => Promise.resolve(areOver()), { what: "see every client ask every broker" });
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      await Promise.all(work);
    },
  };
}

async function ask(url: string, pak: string): Promise<string> {
  try {
    const answer = await fetch(url, { headers: { authorization: pak } });
    await answer.text();
    return String(answer.status);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
