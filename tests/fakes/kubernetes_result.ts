/** How the agent must count a request that the API server saw and answered with this code; 0 is no answer. */
export function kubernetesResult(operation: string, status: number): string {
  if (status >= 200 && status < 400) return "success";
  if (status === 404 && operation === "get") return "success";
  return [400, 403, 404, 405, 409, 410, 413, 415, 422].includes(status) ? "refused" : "error";
}
