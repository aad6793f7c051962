import type {
  Dashboard,
  DataQuery,
  FieldConfig,
  FieldConfigSource,
  Panel,
  RowPanel,
  VariableModel,
} from "@grafana/schema";
import type * as Stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as TimeSeries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

/** A dashboard of ours by Grafana's own types, as its JSON has it: text where the types have a member of an enum. */
export type WrittenDashboard = Written<
  Omit<Dashboard, "panels" | "templating"> & { panels: (ShownPanel | ShownRow)[]; templating: { list: Variable[] } }
>;

/** Grafana has what a query variable is made of twice; the schema lacks what lists of variables show. */
type Variable = VariableModel & { definition?: string };

type ShownPanel =
  | PanelOf<"stat", Stat.Options, Record<never, never>>
  | PanelOf<"timeseries", TimeSeries.Options, TimeSeries.FieldConfig>;

interface ShownRow extends Omit<RowPanel, "panels"> {
  panels: ShownPanel[];
}

interface PanelOf<Type extends string, Options, Custom>
  extends Omit<Panel, "type" | "options" | "targets" | "fieldConfig"> {
  type: Type;
  options: Options;
  targets: PrometheusQuery[];
  fieldConfig: Omit<FieldConfigSource, "defaults"> & { defaults: Omit<FieldConfig, "custom"> & { custom?: Custom } };
}

/** Grafana keeps this type in its data source, and publishes none of it. */
interface PrometheusQuery extends DataQuery {
  editorMode: "code" | "builder";
  expr: string;
  instant: boolean;
  range: boolean;
  legendFormat: string;
}

type Written<T> = T extends string ? `${T}`
  : T extends (infer Item)[] ? Written<Item>[]
  : T extends object ? { [Key in keyof T]: Written<T[Key]> }
  : T;
