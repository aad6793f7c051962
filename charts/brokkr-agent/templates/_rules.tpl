{{/* What the agent itself does with every kind that a bundle may hold: look, list, watch, apply, remove; as generators, look. */}}
{{- define "agent.verbs" -}}
{{- if .Values.rbac.impersonateGenerators -}}
[get, list, watch]
{{- else -}}
[get, list, watch, create, patch, delete]
{{- end }}
{{- end }}

{{/* Kinds that live in a namespace. */}}
{{- define "agent.namespacedRules" -}}
{{- $verbs := include "agent.verbs" . -}}
- apiGroups: [""]
  resources:
    - configmaps
    - endpoints
    - limitranges
    - persistentvolumeclaims
    - pods
    - podtemplates
    - replicationcontrollers
    - resourcequotas
    - secrets
    - serviceaccounts
    - services
  verbs: {{ $verbs }}
- apiGroups: [apps]
  resources: [daemonsets, deployments, replicasets, statefulsets]
  verbs: {{ $verbs }}
- apiGroups: [batch]
  resources: [cronjobs, jobs]
  verbs: {{ $verbs }}
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: {{ $verbs }}
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: {{ $verbs }}
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: {{ $verbs }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: {{ $verbs }}
- apiGroups: [resource.k8s.io]
  resources: [resourceclaims, resourceclaimtemplates]
  verbs: {{ $verbs }}
{{- if .Values.rbac.manageRoles }}
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings, roles]
  verbs: {{ $verbs }}
{{- if not .Values.rbac.impersonateGenerators }}
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles, roles]
  verbs: [bind]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles]
  verbs: [escalate]
{{- end }}
{{- end }}
{{- with .Values.rbac.additionalRules }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Kinds that live in no namespace, and the look into all of them before one is deleted that holds others. */}}
{{- define "agent.clusterRules" -}}
{{- $verbs := include "agent.verbs" . -}}
- apiGroups: [""]
  resources: [namespaces, persistentvolumes]
  verbs: {{ $verbs }}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: {{ $verbs }}
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: {{ $verbs }}
- apiGroups: [node.k8s.io]
  resources: [runtimeclasses]
  verbs: {{ $verbs }}
- apiGroups: [scheduling.k8s.io]
  resources: [priorityclasses]
  verbs: {{ $verbs }}
- apiGroups: [storage.k8s.io]
  resources: [csidrivers, storageclasses, volumeattributesclasses]
  verbs: {{ $verbs }}
{{- if .Values.rbac.manageRoles }}
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterrolebindings, clusterroles]
  verbs: {{ $verbs }}
{{- if not .Values.rbac.impersonateGenerators }}
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  verbs: [escalate]
{{- end }}
{{- end }}
{{- if .Values.rbac.listAll }}
- apiGroups: ["*"]
  resources: ["*"]
  verbs: [list]
{{- end }}
{{- end }}
