import { parentPort } from "node:worker_threads";
import { judgeBundle } from "./domain/bundle_verdict.ts";

parentPort?.on("message", (text: string) => parentPort?.postMessage(judgeBundle(text)));
