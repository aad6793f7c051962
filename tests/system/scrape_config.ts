import { stringify } from "yaml";

/** A page to scrape. */
export interface Scraped {
  /** The job's name. */
  readonly job: string;
  /** Of a program, or of what stands before it. */
  readonly url: string;
  /** Of other programs of the same job. */
  readonly replicas?: readonly string[];
  /** What is asked for, in Prometheus 3's words; its own choice when left out. */
  readonly protocol?: "PrometheusText0.0.4" | "OpenMetricsText1.0.0";
  /** Whose certificates it believes, as a file, where the page is behind TLS. */
  readonly caFile?: string;
}

/** How a Prometheus scrapes: intervals as it writes them. */
export interface ScrapeOptions {
  readonly interval: string;
  readonly evaluationInterval?: string;
  readonly ruleFiles?: readonly string[];
}

/** A configuration of Prometheus that scrapes these pages. */
export function scrapeConfig(
  pages: readonly Scraped[],
  { interval, evaluationInterval = interval, ruleFiles = [] }: ScrapeOptions,
): string {
  return stringify({
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: evaluationInterval },
    rule_files: ruleFiles,
    scrape_configs: pages.map(({ job, url, replicas = [], protocol, caFile }) => ({
      job_name: job,
      scheme: new URL(url).protocol.slice(0, -1),
      ...(caFile === undefined ? {} : { tls_config: { ca_file: caFile } }),
      ...(protocol === undefined ? {} : { scrape_protocols: [protocol] }),
      static_configs: [{ targets: [url, ...replicas].map((one) => new URL(one).host) }],
    })),
  });
}
