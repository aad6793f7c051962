/** A ConfigMap as YAML. */
export function configMap(name: string, { namespace = "default", value = "1" } = {}): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: ${namespace} }
data: { value: "${value}" }
`;
}

/** A Namespace as YAML. */
export function namespace(name: string): string {
  return `apiVersion: v1
kind: Namespace
metadata: { name: ${name} }
`;
}

/** A Deployment of pods with one container, as YAML. */
export function deployment(name: string, { namespace = "default", replicas = 3 } = {}): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: main, image: example/main:1 }] }
`;
}

/** A Service as YAML. */
export function service(name: string, { namespace = "default" } = {}): string {
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${name} }, ports: [{ port: 80, targetPort: 8080 }] }
`;
}

/** Several documents as one bundle. */
export function bundle(...documents: readonly string[]): string {
  return documents.join("---\n");
}
