/** The namespace of the demo's application. */
export const NAMESPACE = "brokkr-demo";

/** A small real application: a Namespace, a ConfigMap, a Deployment of `replicas` pods that serves it, and a Service. */
export function application({ greeting, replicas }: { greeting: string; replicas: number }): string {
  return `apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web-page
  namespace: ${NAMESPACE}
data:
  index.html: "${greeting}"
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
