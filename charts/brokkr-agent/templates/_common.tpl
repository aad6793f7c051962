{{/* The same file in both charts; tests/charts holds them equal. */}}

{{- define "brokkr.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "brokkr.fullname" -}}
{{- $name := include "brokkr.name" . }}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- .Values.fullnameOverride | default $both | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "brokkr.selectorLabels" -}}
app.kubernetes.io/name: {{ include "brokkr.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "brokkr.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (ternary (include "brokkr.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* A value as a setting's text: a list with commas, a number with all its digits. */}}
{{- define "brokkr.text" -}}
{{- if kindIs "slice" . }}{{ join "," . }}{{ else if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end }}
{{- end }}

{{/* What every object of the chart says it belongs to. */}}
{{- define "brokkr.chartLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: brokkr
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The labels of the Pod that `helm test` runs: none of the chart's selectors may find it. */}}
{{- define "brokkr.testLabels" -}}
app.kubernetes.io/name: {{ include "brokkr.name" . | trunc 58 }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/*
The metadata of an object of the chart, of `root`: its `name` (the release's), its `namespace` (the release's; of
`isClusterWide`, none), the user's `labels` and `annotations` for it before those for every object, and `identity`, the
labels that say what it is, which nothing replaces.
*/}}
{{- define "brokkr.metadata" -}}
{{- $root := .root }}
{{- $identity := .identity | default (include "brokkr.selectorLabels" $root) | fromYaml }}
{{- $ofChart := include "brokkr.chartLabels" $root | fromYaml -}}
name: {{ .name | default (include "brokkr.fullname" $root) }}
{{- if not .isClusterWide }}
namespace: {{ .namespace | default $root.Release.Namespace }}
{{- end }}
labels: {{- merge $identity (.labels | default dict) $root.Values.commonLabels $ofChart | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) $root.Values.commonAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "brokkr.image" -}}
{{- $what := printf "image.repository is required: no image is published yet, so build one from %s/Dockerfile, push it to where your cluster pulls from, and name it" (trimPrefix "brokkr-" .Chart.Name) }}
{{- $repository := required $what .Values.image.repository }}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}
