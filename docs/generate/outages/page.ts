import { code, paragraph, table } from "../markdown.ts";
import { keptOutages, type Outage } from "./outages.ts";

const PAGE = new URL("../../content/how-to/answer-alerts.md", import.meta.url);
/** Between these two lines of the page stands what is made; the rest is written by hand. */
const [BEGIN, END] = ["<!-- outages: written by `deno task docs` -->", "<!-- end of outages -->"];

/** The page on alerts, with its outages as they were played. */
export async function answersPage(): Promise<string> {
  const page = await Deno.readTextFile(PAGE);
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`Cannot write ${PAGE.pathname}: it lacks "${BEGIN}" or "${END}"`);
  return `${page.slice(0, before)}${BEGIN}\n\n${outagesText(keptOutages())}\n\n${page.slice(after)}`;
}

/** A table of what is sent of each outage, and what fires when. */
function outagesText(outages: readonly Outage[]): string {
  return [
    table(["What happens", "Minute", "To whom", "What is sent"], outages.flatMap(rowsOf)),
    paragraph("And when each alert fires, in minutes since it broke; in brackets, how often at once."),
    ...outages.filter(({ firing }) => firing.length > 0).map(orderText),
  ].join("\n\n");
}

/** A row for each notification, in their order, and for the end. */
function rowsOf(outage: Outage): readonly (readonly string[])[] {
  const { title, sent, mended } = outage;
  const all = [
    ...sent.pager.map((one) => ({ ...one, to: "pager" })),
    ...sent.tickets.map((one) => ({ ...one, to: "tickets" })),
  ].sort((a, b) => a.at - b.at);
  const rows = [
    ...all.map(({ at, to, alerts }) => [String(at), to, alerts.map(code).join(", ")]),
    ...outage.firing.length === 0
      ? [["–", "nobody", "nothing fires"]]
      : [[String(overAt(outage)), "–", `over, ${overAt(outage) - mended} min after it was mended`]],
  ];
  return rows.map((row, at) => [at === 0 ? title : "", ...row]);
}

function overAt({ firing, mended }: Outage): number {
  return Math.max(mended, ...firing.map(({ to = Infinity }) => to));
}

function orderText({ title, mended, firing }: Outage): string {
  const spans = Map.groupBy(firing, ({ labels, from, to }) => `${code(labels.alertname ?? "")} ${from}–${to}`);
  const texts = [...spans].map(([span, all]) => all.length === 1 ? span : `${span} (${all.length})`);
  return paragraph(`**${title}**, for ${mended} minutes: ${texts.join(", ")}.`);
}
