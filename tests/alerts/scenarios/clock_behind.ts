/** Loaded before a program: its clock is as many milliseconds behind as `BROKKR_TEST_CLOCK_BEHIND_MS` says. */
const behindMs = Number(Deno.env.get("BROKKR_TEST_CLOCK_BEHIND_MS") ?? 0);
const now = Date.now.bind(Date);
const origin = performance.timeOrigin;

Date.now = () => now() - behindMs;
Object.defineProperty(performance, "timeOrigin", { value: origin - behindMs });
