/** The namespace of the demo's application. */
export const NAMESPACE = "brokkr-demo";

/** What the application serves: the part that moves to a stack of its own. */
export function page(greeting: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: web-page
  namespace: ${NAMESPACE}
data:
  index.html: "${greeting}"
`;
}

/** A Namespace, a Deployment of `replicas` pods that serve the page, and a Service. */
export function server(replicas: number): string {
  return `apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: ${NAMESPACE}
spec:
  replicas: ${replicas}
  selector:
    matchLabels: { app: web }
  template:
    metadata:
      labels: { app: web }
    spec:
      containers:
        - name: nginx
          image: nginxinc/nginx-unprivileged:1.29-alpine
          ports: [{ containerPort: 8080 }]
          volumeMounts: [{ name: page, mountPath: /usr/share/nginx/html }]
      volumes: [{ name: page, configMap: { name: web-page } }]
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: ${NAMESPACE}
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
`;
}

/** A small real application, whole. */
export function application({ greeting, replicas }: { greeting: string; replicas: number }): string {
  return `${server(replicas)}---\n${page(greeting)}`;
}
