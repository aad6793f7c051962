import assert from "node:assert/strict";
import { setting, text } from "$lib/settings.ts";
import { helpAsked, type HelpSubject } from "$lib/settings/help.ts";

const SUBJECT: HelpSubject = {
  program: "brokkr-broker",
  commands: [
    { words: "serve", help: "Serves.", options: [] },
    {
      words: "create agent",
      help: "Makes an agent.",
      options: [setting({ key: "cluster_name", type: text(), required: true, help: "Its cluster." })],
    },
    { words: "rotate agent", help: "Rotates.", options: [], arguments: [{ name: "AGENT", help: "Which." }] },
  ],
  settings: [setting({ key: "data_dir", type: text(), default: ".brokkr", help: "The folder." })],
};

Deno.test("helpAsked() is silent until it is asked", () => {
  assert.equal(helpAsked(SUBJECT, ["create", "agent", "--cluster-name", "eu"]), undefined);
});

Deno.test("helpAsked() shows every command and every setting of the program", () => {
  const help = helpAsked(SUBJECT, ["--help"]) ?? "";

  assert.match(help, /^Usage: brokkr-broker \[command\]/);
  assert.match(help, /^ {2}serve {9}Serves\. \(Also without a word\.\)$/m);
  assert.match(help, /^ {2}create agent {2}Makes an agent\.$/m);
  assert.match(help, /^ {2}--data-dir {2}The folder\. \(BROKKR__DATA_DIR\)$/m);
});

Deno.test("helpAsked() shows the flags of one command", () => {
  const help = helpAsked(SUBJECT, ["create", "agent", "--cluster-name", "eu", "-h"]) ?? "";

  assert.match(help, /^Usage: brokkr-broker create agent \[flags\]\n\nMakes an agent\.\n/);
  assert.match(help, /^ {2}--cluster-name {2}Its cluster\. Required\.$/m);
  assert.doesNotMatch(help, /Serves/);
});

Deno.test("helpAsked() shows the words that follow a command, also behind one of them", () => {
  const help = helpAsked(SUBJECT, ["rotate", "agent", "berlin", "-h"]) ?? "";

  assert.match(
    help,
    /^Usage: brokkr-broker rotate agent AGENT \[flags\]\n\nRotates\.\n\nArguments:\n {2}AGENT {2}Which\.\n/,
  );
  assert.equal(helpAsked(SUBJECT, ["rotate", "agent", "--", "-h"]), undefined);
});

Deno.test("helpAsked() takes help for --help, and names what is done elsewhere", () => {
  const others = [{ words: "apply", help: "Submits.", options: [] }];

  assert.equal(helpAsked(SUBJECT, ["help"]), helpAsked(SUBJECT, ["--help"]));
  assert.throws(() => helpAsked({ ...SUBJECT, others }, ["aply", "--help"]), /there is apply, serve, create agent/);
});

Deno.test("helpAsked() refuses a command that is not there, and names those that are", () => {
  assert.throws(() => helpAsked(SUBJECT, ["delete", "agent", "--help"]), {
    code: "invalid_settings",
    message: 'unknown command "delete agent"; there is serve, create agent, rotate agent',
  });
});
