/** Loaded before a program: its wall clock is off by as many milliseconds as `BROKKR_TEST_CLOCK_FILE` says by then. */
const file = Deno.env.get("BROKKR_TEST_CLOCK_FILE") ?? "";
const now = Date.now.bind(Date);
const READ_EVERY_MS = 20;
let offMs = 0;

function read(): void {
  offMs = Number(Deno.readTextFileSync(file));
}

read();
Deno.unrefTimer(setInterval(read, READ_EVERY_MS));
Date.now = () => now() + offMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now() + offMs] : args, made),
});
