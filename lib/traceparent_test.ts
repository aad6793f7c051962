import assert from "node:assert/strict";
import { fc } from "../tests/fakes/fast_check.ts";
import { isSampled, parseTraceparent, traceHeaders } from "$lib/traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

Deno.test("parseTraceparent() reads the headers that the specification shows, and the flags that it knows", () => {
  const flags: readonly (readonly [written: string, read: number])[] = [
    ...[["00", 0], ["01", 1], ["02", 2], ["03", 3]] as const,
    ...[["08", 0], ["09", 1], ["fd", 1], ["ff", 3]] as const,
  ];

  for (const [written, traceFlags] of flags) {
    const parsed = parseTraceparent(`00-${TRACE}-${PARENT}-${written}`);
    assert.deepEqual(parsed, { traceId: TRACE, spanId: PARENT, traceFlags, isRemote: true });
    assert.equal(parsed && isSampled(parsed), traceFlags % 2 === 1);
  }
});

Deno.test("parseTraceparent() reads what it knows of later versions, whatever follows behind a dash", () => {
  const read = { traceId: TRACE, spanId: PARENT, traceFlags: 1, isRemote: true };

  for (const version of ["01", "cc", "fe"]) {
    for (const more of ["", "-", "-what-the-future-will-be-like", "-01, 00"]) {
      assert.deepEqual(parseTraceparent(`${version}-${TRACE}-${PARENT}-01${more}`), read);
    }
  }
});

Deno.test("parseTraceparent() refuses every header that the specification calls invalid", () => {
  const [trace, parent] = [TRACE, PARENT];
  const refused = [
    ...["", "-", "00", `00-${trace}`, `00-${trace}-${parent}`, `00-${trace}-${parent}-`, `${trace}-${parent}-01`],
    ...["ff", "FF", "0", "000", "0x", " 00", "qq", "+1"].map((version) => `${version}-${trace}-${parent}-01`),
    ...["0".repeat(32), trace.toUpperCase(), trace.slice(1), `${trace}0`, `.${trace.slice(1)}`, "", " ".repeat(32)]
      .map((wrong) => `00-${wrong}-${parent}-01`),
    ...["0".repeat(16), parent.toUpperCase(), parent.slice(1), `${parent}0`, `g${parent.slice(1)}`, ""]
      .map((wrong) => `00-${trace}-${wrong}-01`),
    ...["", "1", "001", "0G", "0A", ".0", "0x01", "-1", "01-", "01-what", "01 ", "01\n", "01\0"]
      .map((wrong) => `00-${trace}-${parent}-${wrong}`),
    ...["01.", "01,01", "010", "01 -"].map((wrong) => `cc-${trace}-${parent}-${wrong}`),
    ...[`00_${trace}_${parent}_01`, `00-${trace}-${parent}-01,00-${trace}-${parent}-01`],
    ...[`ff-${trace}-${parent}-01-more`, `cc-${"0".repeat(32)}-${parent}-01`, `cc-${trace}-${"0".repeat(16)}-01`],
  ];

  for (const header of refused) assert.equal(parseTraceparent(header), undefined, JSON.stringify(header));
  for (const absent of [null, undefined]) assert.equal(parseTraceparent(absent), undefined);
});

Deno.test("parseTraceparent() takes two headers, which a server joins, for none", () => {
  const headers = new Headers();
  for (const flag of ["01", "00"]) headers.append("traceparent", `00-${TRACE}-${PARENT}-${flag}`);

  assert.equal(parseTraceparent(headers.get("traceparent")), undefined);
});

Deno.test("traceHeaders() writes what parseTraceparent() reads", () => {
  const hex = (length: number) =>
    fc.array(fc.constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length })
      .map((digits) => digits.join("")).filter((text) => /[^0]/.test(text));

  fc.assert(fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 3 }), (traceId, spanId, traceFlags) => {
    const context = { traceId, spanId, traceFlags, isRemote: true };
    assert.deepEqual(parseTraceparent(traceHeaders(context).traceparent), context);
  }));
  assert.equal(
    traceHeaders({ traceId: TRACE, spanId: PARENT, traceFlags: 0xf9 }).traceparent,
    `00-${TRACE}-${PARENT}-01`,
  );
});

Deno.test("traceHeaders() passes on what vendors say of a trace, and nothing that is too long or says nothing", () => {
  const of = (tracestate: string | undefined) => {
    const span = parseTraceparent(`00-${TRACE}-${PARENT}-01`, tracestate);
    return span && traceHeaders(span);
  };
  const traceparent = `00-${TRACE}-${PARENT}-01`;

  assert.deepEqual(of("dd=s:1;o:rum,nr=2"), { traceparent, tracestate: "dd=s:1;o:rum,nr=2" });
  for (const nothing of [undefined, "", " ", "no-value", "UPPER=1", `a=${"x".repeat(513)}`]) {
    assert.deepEqual(of(nothing), { traceparent }, `"${nothing}"`);
  }
});
