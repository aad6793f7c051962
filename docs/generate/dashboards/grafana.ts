import { alertSubject } from "./alert.ts";
import { chosen, type Dashboard, type Panel, type Row, type Variable } from "./panel.ts";

/** Of Grafana 10; later ones migrate it when they load it. */
const SCHEMA_VERSION = 38;
const COLUMNS = 24;
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };
/** What "All" is of a label that a plain Prometheus does not have; of others Grafana joins the values that it lists. */
const ANY_OR_NONE = { allValue: ".*" };
const SIZES = { number: { w: 4, h: 4 }, lines: { w: 8, h: 8 } };

interface Placed {
  readonly id: number;
  readonly x: number;
  readonly y: number;
}

/** A dashboard as Grafana imports it. */
export function grafanaJson({ uid, title, description, variables, rows }: Dashboard): string {
  const dashboard = {
    uid,
    title,
    description,
    tags: ["brokkr"],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    timezone: "",
    annotations: { list: [] },
    links: [{
      ...{ type: "dashboards", title: "Brokkr", tooltip: "", icon: "external link", targetBlank: false },
      tags: ["brokkr"],
      asDropdown: true,
      includeVars: true,
      keepTime: true,
      url: "",
    }],
    templating: { list: [datasourceVariable(), ...variables.map(queryVariable)] },
    panels: placedPanels(rows),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function datasourceVariable() {
  return { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", refresh: 1, hide: 0 };
}

function queryVariable({ name, label, component, of, within = [] }: Variable) {
  const matchers = [`component="${component}"`, ...(within.length > 0 ? [chosen(within)] : [])].join(", ");
  const query = `label_values(brokkr_build_info{${matchers}}, ${of})`;
  return {
    ...{ name, label, type: "query", datasource: DATASOURCE, definition: query },
    query: { query, refId: `variable-${name}` },
    ...{ refresh: 2, sort: 1, hide: 0, multi: true, includeAll: true },
    ...(of === "namespace" || of === "cluster" ? ANY_OR_NONE : {}),
    current: { selected: true, text: ["All"], value: ["$__all"] },
  };
}

/** Rows from top to bottom; in each, panels from left to right. A closed row holds its panels, and takes one line. */
function placedPanels(rows: readonly Row[]): readonly unknown[] {
  const placed: unknown[] = [];
  let [id, top] = [1, 0];
  for (const { title, panels, isCollapsed = false } of rows) {
    const inside = placedInRow(panels, { id: id + 1, x: 0, y: top + 1 });
    const row = { id, type: "row", title, collapsed: isCollapsed, gridPos: { x: 0, y: top, w: COLUMNS, h: 1 } };
    placed.push({ ...row, panels: isCollapsed ? inside.placed : [] }, ...(isCollapsed ? [] : inside.placed));
    id += 1 + panels.length;
    top = isCollapsed ? top + 1 : inside.bottom;
  }
  return placed;
}

function placedInRow(panels: readonly Panel[], first: Placed): { readonly placed: unknown[]; readonly bottom: number } {
  let [x, y, height] = [first.x, first.y, 0];
  const placed = panels.map((panel, at) => {
    const { w, h } = SIZES[panel.shows];
    if (x + w > COLUMNS || (height > 0 && h !== height)) [x, y] = [0, y + height];
    const json = grafanaPanel(panel, { id: first.id + at, x, y });
    [x, height] = [x + w, h];
    return json;
  });
  return { placed, bottom: y + height };
}

function grafanaPanel(panel: Panel, { id, x, y }: Placed) {
  const { title, shows, unit, queries } = panel;
  const targets = queries.map(({ promql, legend }, index) => ({
    refId: String.fromCharCode("A".charCodeAt(0) + index),
    datasource: DATASOURCE,
    editorMode: "code",
    expr: promql,
    legendFormat: legend,
    instant: shows === "number",
    range: shows === "lines",
  }));
  const style = shows === "number" ? numberStyle(panel) : linesStyle(panel);
  const gridPos = { x, y, ...SIZES[shows] };
  const defaults = { unit, ...style.defaults };
  return {
    ...{ id, type: style.type, title, description: described(panel), datasource: DATASOURCE, gridPos },
    fieldConfig: { defaults, overrides: [] },
    ...{ options: style.options, targets },
  };
}

function described(panel: Panel): string {
  const alert = alertOf(panel);
  return alert === undefined ? panel.description : `${panel.description} Coloured from the threshold of ${alert} on.`;
}

function alertOf({ queries }: Panel): string | undefined {
  return queries.find(({ alert }) => alert !== undefined)?.alert;
}

function numberStyle(panel: Panel) {
  return {
    type: "stat",
    defaults: { thresholds: thresholds(panel), noValue: "not known" },
    options: {
      reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
      ...{ colorMode: "value", graphMode: "none", textMode: "value", justifyMode: "auto", orientation: "auto" },
      ...{ wideLayout: true, showPercentChange: false, percentChangeColorMode: "standard" },
    },
  };
}

function linesStyle(panel: Panel) {
  const { isStacked = false } = panel;
  const alert = alertOf(panel);
  return {
    type: "timeseries",
    defaults: {
      min: 0,
      ...(alert === undefined ? {} : { thresholds: thresholds(panel) }),
      custom: {
        ...{ drawStyle: "line", lineWidth: 1, fillOpacity: isStacked ? 20 : 5, showPoints: "never", spanNulls: false },
        stacking: { mode: isStacked ? "normal" : "none", group: "A" },
        ...(alert === undefined ? {} : { thresholdsStyle: { mode: "dashed" } }),
      },
    },
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true, calcs: [] },
      tooltip: { mode: "multi", sort: "desc" },
    },
  };
}

const COLOURS = { warning: "orange", critical: "red" };

/** Grafana's colours begin at a number: what is wrong above a whole number of things is wrong from the next one on. */
function thresholds(panel: Panel) {
  const { unit, wrongAt } = panel;
  const alert = alertOf(panel);
  const well = { color: "green", value: null };
  if (wrongAt === 0) return absolute({ color: COLOURS.critical, value: null }, { ...well, value: 1 });
  if (wrongAt === 1) return absolute(well, { color: COLOURS.critical, value: 1 });
  if (alert === undefined) return absolute(well);
  const { threshold, severity } = alertSubject(alert);
  return absolute(well, { color: COLOURS[severity], value: unit === "none" ? threshold + 1 : threshold });
}

function absolute(...steps: readonly { readonly color: string; readonly value: number | null }[]) {
  return { mode: "absolute", steps };
}
