import { locatePostgres, OLDEST_MAJOR } from "../postgres/binaries.ts";
import { type Apt, openApt } from "./apt.ts";
import type { Say } from "./commands.ts";

const CLUSTER_SETTINGS = "/etc/postgresql-common/createcluster.d";

/** Finds a PostgreSQL server, or installs the newest that Debian has; answers what it found. */
export async function setUpPostgres(say: Say): Promise<string> {
  const found = describe();
  if (found !== undefined) return found;
  const apt = openApt(say);
  await apt.update();
  const name = await newestPackage(apt);
  say(`PostgreSQL: installing ${name}`);
  await installWithoutCluster(apt, name);
  const installed = describe();
  if (installed === undefined) {
    throw new Error(`Cannot find PostgreSQL: "${name}" is installed, its programs are not there`);
  }
  return installed;
}

function describe(): string | undefined {
  const found = locatePostgres();
  return found && `version ${found.major}, ${found.postgres}`;
}

async function newestPackage(apt: Apt): Promise<string> {
  const names = await apt.search("^postgresql-[0-9]+$");
  const majors = names.map((name) => Number(name.replace("postgresql-", ""))).filter((major) => major >= OLDEST_MAJOR);
  if (majors.length > 0) return `postgresql-${Math.max(...majors)}`;
  const had = names.length === 0 ? "none at all" : names.join(", ");
  throw new Error(`Cannot install PostgreSQL ${OLDEST_MAJOR} or later: this machine's packages have ${had}`);
}

/** Debian's package would make and start a server of its own; a setting that is there only now keeps it from that. */
async function installWithoutCluster(apt: Apt, name: string): Promise<void> {
  const path = `${CLUSTER_SETTINGS}/brokkr-setup.conf`;
  await apt.install(["postgresql-common"]);
  await apt.asRoot({ program: "mkdir", args: ["-p", CLUSTER_SETTINGS] });
  await apt.asRoot({ program: "sh", args: ["-c", `echo "create_main_cluster = false" >${path}`] });
  try {
    await apt.install([name]);
  } finally {
    await apt.asRoot({ program: "rm", args: ["-f", path] });
  }
}
