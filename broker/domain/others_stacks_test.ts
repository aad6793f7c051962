import assert from "node:assert/strict";
import { stacksNamedIn, withoutOtherStacks } from "./others_stacks.ts";

const BODY = {
  message: '1 failed\nConfigMap "a": stack "bank\\"s" has it, or comes first, and stack "shop"',
  causes: [{ text: 'stack "shop" wants ConfigMap "a"', next: null, agents: 1 }],
};

Deno.test("stacksNamedIn() finds each stack once, wherever it is named", () => {
  assert.deepEqual(stacksNamedIn(BODY), ['bank"s', "shop"]);
});

Deno.test("withoutOtherStacks() hides the names of stacks that are not one's own, and nothing else", () => {
  assert.deepEqual(withoutOtherStacks(BODY, new Set(["shop"])), {
    message: '1 failed\nConfigMap "a": another owner\'s stack has it, or comes first, and stack "shop"',
    causes: [{ text: 'stack "shop" wants ConfigMap "a"', next: null, agents: 1 }],
  });
});
