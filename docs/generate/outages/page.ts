import { code, paragraph, table } from "../markdown.ts";
import { type Firing, keptOutages, type Outage } from "./outages.ts";

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
  const rows = outages.map((outage) => {
    const { title, sent } = outage;
    return [title, sentText(outage, sent.pager), sentText(outage, sent.tickets), overText(outage)];
  });
  return [
    table(["What happens", "Pages", "Tickets", "Over, after it was mended"], rows),
    paragraph("And when each alert fires, in minutes since it broke; in brackets, in how many clusters."),
    ...outages.filter(({ firing }) => firing.length > 0).map(orderText),
  ].join("\n\n");
}

function sentText({ firing }: Outage, notifications: readonly (readonly string[])[]): string {
  return [...new Set(notifications.flat())].map((name) => `${code(name)} (${beginOf(firing, name)} min)`).join(", ");
}

function beginOf(firing: readonly Firing[], name: string): number {
  return Math.min(...firing.filter(({ labels }) => labels.alertname === name).map(({ from }) => from));
}

function overText({ firing, mended }: Outage): string {
  if (firing.length === 0) return "nothing fires";
  return `${Math.max(0, ...firing.map(({ to = Infinity }) => to - mended))} min`;
}

function orderText({ title, mended, firing }: Outage): string {
  const spans = Map.groupBy(firing, ({ labels, from, to }) => `${code(labels.alertname ?? "")} ${from}–${to}`);
  const texts = [...spans].map(([span, all]) => all.length === 1 ? span : `${span} (${all.length})`);
  return paragraph(`**${title}**, for ${mended} minutes: ${texts.join(", ")}.`);
}
