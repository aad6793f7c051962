import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { isFailure } from "$lib/error.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { exportOf, field, joined } from "../../tests/fakes/protobuf_writer.ts";
import { BoundExceeded } from "../domain/bounds.ts";
import { problemOf } from "./problem.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import type { OtlpSender, ReceiverAnswer } from "$lib/telemetry/otlp.ts";
import { PROTOBUF, type Relayed, TelemetryRelay } from "./telemetry_relay.ts";

type Pass = OtlpSender["pass"];

const ID = "0198c0de-0000-7000-8000-000000000001";
const OTHER = "0198c0de-0000-7000-8000-000000000002";
const BODY = joined(exportOf({ "service.name": "brokkr-agent", "brokkr.agent.id": ID }, field(2, "spans")));
const MIB = 1024 * 1024;

interface Posting {
  readonly agentId?: string;
  readonly signal?: Relayed;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly encoding?: string;
}

interface Answered {
  readonly status: number;
  readonly code?: string;
  readonly retryAfter: string | null;
  readonly text: string;
}

class Passing {
  readonly clock = new ManualClock();
  /** What reached the receiver. */
  readonly sent: Uint8Array[] = [];
  /** How many bodies were read. */
  reads = 0;
  bounds: string[] = [];
  readonly #relay: TelemetryRelay;

  constructor(pass: Pass = () => Promise.resolve(ok())) {
    const sender = {
      pass: (bytes: Uint8Array, signal: AbortSignal) => {
        this.sent.push(bytes);
        return pass(bytes, signal);
      },
    };
    this.#relay = new TelemetryRelay({ clock: this.clock, senders: { metrics: sender, traces: sender } });
  }

  async post({ agentId = ID, signal = "metrics", body = BODY, encoding }: Posting = {}): Promise<Answered> {
    const headers: Record<string, string> = encoding === undefined ? {} : { "content-encoding": encoding };
    const request = new Request("http://broker/", { method: "POST", headers });
    const readBytes = () => {
      this.reads += 1;
      return Promise.resolve(body);
    };
    const answer = await this.#relay.pass({ agentId, signal, request, readBytes }).catch((error) => {
      if (error instanceof BoundExceeded) this.bounds.push(error.bound);
      if (!isFailure(error)) throw error;
      return problemOf(error, { log: silentLog(), requestId: "r" });
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type") === "application/json";
    return {
      status: answer.status,
      ...(isJson ? { code: JSON.parse(text).code } : {}),
      retryAfter: answer.headers.get("retry-after"),
      text,
    };
  }
}

function ok(body = new Uint8Array()): ReceiverAnswer {
  return { status: 200, body, retryAfterMs: 0 };
}

function shown({ status, code, retryAfter }: Answered): string {
  return [status, code, retryAfter].filter((part) => part !== undefined && part !== null).join(" ");
}

Deno.test("pass() sends on the very bytes, and answers with what the receiver said of them", async () => {
  const relay = new Passing(() => Promise.resolve({ ...ok(new TextEncoder().encode("partial")), status: 202 }));

  const plain = await relay.post();
  const zipped = await relay.post({ signal: "traces", body: new Uint8Array(gzipSync(BODY)), encoding: "gzip" });

  assert.deepEqual([plain, zipped].map(({ status, text }) => [status, text]), [[200, "partial"], [200, "partial"]]);
  assert.deepEqual(relay.sent.map((bytes) => [...bytes]), [[...BODY], [...BODY]]);
});

Deno.test("pass() answers as OTLP over HTTP does: in protobuf", async () => {
  const relay = new TelemetryRelay({
    clock: new ManualClock(),
    senders: { logs: { pass: () => Promise.resolve(ok()) } },
  });
  const request = new Request("http://broker/", { method: "POST" });

  const answer = await relay.pass({ agentId: ID, signal: "logs", request, readBytes: () => Promise.resolve(BODY) });

  assert.equal(answer.headers.get("content-type"), PROTOBUF);
});

Deno.test("pass() refuses the telemetry of anybody else, packed as a second part too, and sends nothing of it", async () => {
  const foreign = joined(exportOf({ "brokkr.agent.id": OTHER }));
  const parts = [gzipSync(BODY), gzipSync(foreign)].map((part) => new Uint8Array(part));
  const cases: readonly Posting[] = [
    { body: foreign },
    { body: joined(BODY, foreign) },
    { body: joined(...parts), encoding: "gzip" },
    { agentId: OTHER },
  ];

  for (const posting of cases) {
    const relay = new Passing();
    assert.equal(shown(await relay.post(posting)), "403 agent_pak_mismatch");
    assert.deepEqual(relay.sent, []);
  }
});

Deno.test("pass() takes gzip and what is not packed, and says so to who packs in another way", async () => {
  const zipped = new Uint8Array(gzipSync(BODY));

  for (const encoding of ["gzip", "GZIP", "x-gzip", "identity, gzip"]) {
    assert.equal(shown(await new Passing().post({ body: zipped, encoding })), "200", encoding);
  }
  assert.equal(shown(await new Passing().post({ body: BODY, encoding: "identity" })), "200");
  for (const encoding of ["br", "gzip, gzip", "deflate"]) {
    const relay = new Passing();
    const answer = await relay.post({ body: zipped, encoding });
    assert.deepEqual([shown(answer), relay.sent], ["415 unsupported_encoding", []], encoding);
  }
});

Deno.test("pass() refuses what it can't read", async () => {
  const zipped = new Uint8Array(gzipSync(BODY));
  const cases: readonly Posting[] = [
    { body: Uint8Array.of(11) },
    { body: zipped },
    { body: BODY, encoding: "gzip" },
    { body: zipped.slice(0, -9), encoding: "gzip" },
    { body: joined(zipped, Uint8Array.of(1, 2, 3)), encoding: "gzip" },
    { body: new Uint8Array(), encoding: "gzip" },
  ];

  for (const posting of cases) {
    const relay = new Passing();
    assert.equal(shown(await relay.post(posting)), "422 invalid_request_body", JSON.stringify(posting.encoding));
    assert.deepEqual(relay.sent, []);
  }
});

Deno.test("pass() unpacks 4 MiB and no more, however little it was before", async () => {
  const body = (size: number) => {
    const head = exportOf({ "brokkr.agent.id": ID });
    const rest = size - head.length - 5;
    return new Uint8Array(gzipSync(joined(head, field(9, new Uint8Array(rest)))));
  };
  const relay = new Passing();

  const most = await relay.post({ body: body(4 * MIB), encoding: "gzip" });
  const more = await relay.post({ signal: "traces", body: body(4 * MIB + 1), encoding: "gzip" });
  const bomb = await new Passing().post({ body: new Uint8Array(gzipSync(new Uint8Array(64 * MIB))), encoding: "gzip" });

  assert.deepEqual([most, more, bomb].map(shown), ["200", "413 too_large", "413 too_large"]);
  assert.deepEqual(relay.sent.map(({ length }) => length), [4 * MIB]);
  assert.deepEqual(relay.bounds, ["body_size"]);
});

Deno.test("pass() takes of each agent one request of a signal in five seconds, six at once, and says when the next may come", async () => {
  const relay = new Passing();
  const other = { agentId: OTHER, body: joined(exportOf({ "brokkr.agent.id": OTHER })) };

  const six = [];
  for (let count = 0; count < 6; count += 1) six.push(await relay.post());
  const again = await relay.post();
  const others = [await relay.post({ signal: "traces" }), await relay.post(other)];
  await relay.clock.advance(4_999);
  const early = await relay.post();
  await relay.clock.advance(1);
  const next = [await relay.post(), await relay.post()];

  assert.deepEqual(six.map(shown), Array(6).fill("200"));
  assert.deepEqual([again, ...others, early, ...next].map(shown), [
    ...["429 too_many_requests 5", "200", "200"],
    ...["429 too_many_requests 1", "200", "429 too_many_requests 5"],
  ]);
  assert.equal(relay.reads, 9, "what is refused is not read");
  assert.deepEqual(relay.bounds, ["telemetry", "telemetry", "telemetry"]);
});

Deno.test("pass() has eight requests of all agents under way, and refuses the ninth without its turn", async () => {
  const answers = Promise.withResolvers<ReceiverAnswer>();
  const relay = new Passing(() => answers.promise);
  const agent = (number: number) => {
    const agentId = ID.replace(/1$/, String(number));
    return { agentId, body: joined(exportOf({ "brokkr.agent.id": agentId })) };
  };

  const eight = Array.from({ length: 8 }, (_, number) => relay.post(agent(number)));
  const ninth = await relay.post(agent(8));
  answers.resolve(ok());
  const statuses = (await Promise.all(eight)).map(shown);

  assert.equal(shown(ninth), "503 unavailable 1");
  assert.deepEqual(statuses, Array(8).fill("200"));
  assert.equal(shown(await relay.post(agent(8))), "200");
  assert.deepEqual(relay.bounds, ["telemetry"]);
});

Deno.test("pass() says of a receiver's refusal whose fault it is, and when to try again", async () => {
  const answers: readonly (readonly [ReceiverAnswer, string])[] = [
    [{ ...ok(), status: 429, retryAfterMs: 30_000 }, "429 too_many_requests 30"],
    [{ ...ok(), status: 429 }, "429 too_many_requests 5"],
    [{ ...ok(), status: 503, retryAfterMs: 6_001 }, "503 telemetry_unavailable 7"],
    [{ ...ok(), status: 503 }, "503 telemetry_unavailable 5"],
    ...[301, 401, 403, 404, 500, 502, 504].map((status) =>
      [{ ...ok(), status }, "503 telemetry_unavailable 5"] as const
    ),
    [{ ...ok(), status: 413 }, "413 too_large"],
    ...[400, 405, 415, 422].map((status) => [{ ...ok(), status }, "422 telemetry_refused"] as const),
  ];

  for (const [answer, expected] of answers) {
    const response = { ...answer, body: new TextEncoder().encode("the receiver's own words") };
    const answered = await new Passing(() => Promise.resolve(response)).post();
    assert.equal(shown(answered), expected, String(answer.status));
    assert.doesNotMatch(answered.text, /own words/);
  }
});

Deno.test("pass() is unavailable where the receiver does not answer, or the broker sends the signal nowhere", async () => {
  const dead = new Passing(() => Promise.reject(new TypeError("connection refused to http://secret@receiver")));

  const answered = await dead.post();
  const nowhere = await dead.post({ signal: "logs" });

  assert.deepEqual([answered, nowhere].map(shown), Array(2).fill("503 telemetry_unavailable 5"));
  assert.doesNotMatch(answered.text, /secret/);
  assert.equal(dead.reads, 1);
});
