{{/* The same file in both charts; tests/charts holds them equal. */}}

{{/*
Ends the rendering where a value that everything else relies on is null, which takes away its default and all below it:
here it has its name, later a line of some template would be to blame.
*/}}
{{- define "brokkr.checkNulls" -}}
{{- range $path := include "program.neverNull" . | trim | splitList " " }}
{{- $at := $.Values }}
{{- range splitList "." $path }}{{ $at = ternary (get ($at | default dict) .) "" (kindIs "map" $at) }}{{ end }}
{{- if or (kindIs "invalid" $at) (kindIs "string" $at) }}
{{- fail (printf "%s is null: leave it out, or set what is below it" $path) }}
{{- end }}
{{- end }}
{{- end }}

{{/* As much of `text` as `to` characters, without what no name may end with. */}}
{{- define "brokkr.cut" -}}
{{ regexReplaceAll "[-._]+$" (trunc .to .text) "" }}
{{- end }}

{{- define "brokkr.name" -}}
{{ include "brokkr.cut" (dict "to" 63 "text" (.Values.nameOverride | default .Chart.Name)) }}
{{- end }}

{{- define "brokkr.fullname" -}}
{{- $name := include "brokkr.name" . }}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- include "brokkr.cut" (dict "to" 52 "text" (.Values.fullnameOverride | default $both)) }}
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
labels: {{- merge $identity (.labels | default dict) ($root.Values.commonLabels | default dict) $ofChart | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) ($root.Values.commonAnnotations | default dict) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Of which IP families a Service of the chart has addresses, as fields of it. */}}
{{- define "brokkr.ipFamilies" -}}
{{- range $field := list "ipFamilyPolicy" "ipFamilies" }}
{{- with get $.Values.service $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* The address that the program listens on: each of IPv4, or each of both where its Service has some of IPv6. */}}
{{- define "brokkr.anyAddress" -}}
{{- $isBoth := hasSuffix "DualStack" (.Values.service.ipFamilyPolicy | default "") }}
{{- ternary "::" "0.0.0.0" (or $isBoth (has "IPv6" (.Values.service.ipFamilies | default list))) }}
{{- end }}

{{- define "brokkr.image" -}}
{{- $what := printf "image.repository is required: no image is published yet, so build one from %s/Dockerfile, push it to where your cluster pulls from, and name it" (trimPrefix "brokkr-" .Chart.Name) }}
{{- $repository := required $what .Values.image.repository }}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}
