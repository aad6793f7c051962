import type { Json } from "./json.ts";

const FACTORS: Record<string, number> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The number that a quantity (`100m`, `1Gi`, `3`) stands for; what is none counts as 0. */
export function parseQuantity(value: Json | undefined): number {
  const [, amount = "0", unit = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(String(value ?? "0")) ?? [];
  return Number(amount) * (FACTORS[unit] ?? 0);
}

/** A number as a quantity of this resource is shown. */
export function showQuantity(resource: string, amount: number): string {
  if (resource.endsWith("cpu") && !Number.isInteger(amount)) return `${Math.round(amount * 1e3)}m`;
  return resource.endsWith("memory") && amount > 0 && amount % 2 ** 20 === 0 ? `${amount / 2 ** 20}Mi` : String(amount);
}
