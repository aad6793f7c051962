{{/* The same file in both charts; tests/charts holds them equal. */}}

{{/* `settings`, which are named as in the settings file, as environment variables. */}}
{{- define "brokkr.settings" -}}
{{- range $section, $settings := .Values.settings }}
{{- range $key, $value := $settings }}
{{- if not (kindIs "invalid" $value) }}
- name: BROKKR__{{ upper $section }}__{{ upper $key }}
  value: {{ include "brokkr.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "brokkr.metricsSettings" -}}
{{- with .Values.metrics }}
- name: BROKKR__METRICS__ENABLED
  value: {{ .enabled | quote }}
{{- if .enabled }}
{{- with .port }}
{{- if eq (int .) (include "program.port" $ | int) }}
{{- fail (printf "metrics.port must not be %d, which the program listens on already: leave it out, or choose another" (int .)) }}
{{- end }}
- name: BROKKR__METRICS__PORT
  value: {{ include "brokkr.text" . | quote }}
{{- end }}
{{- if .bearerToken.existingSecret }}
- name: BROKKR__METRICS__BEARER_TOKEN_FILE
  value: /etc/brokkr/metrics/{{ .bearerToken.existingSecretKey }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A Kubernetes quantity of memory in bytes: 512Mi, 1.5G, 1e9, 536870912. Numbers come as Helm reads them, large ones as 5e+08. */}}
{{- define "brokkr.bytes" -}}
{{- $units := dict "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 }}
{{- $text := toString . }}
{{- $unit := regexFind "[A-Za-z]+$" $text }}
{{- if and $unit (not (hasKey $units $unit)) }}{{ fail (printf "resources.limits.memory %q is not a quantity of Kubernetes" $text) }}{{ end }}
{{- mulf (trimSuffix $unit $text | float64) (get $units $unit | default 1 | float64) }}
{{- end }}

{{/* V8's share of the memory limit; it can't be told after the start. Without a limit V8 decides by itself. */}}
{{- define "brokkr.heapLimit" -}}
{{- with .Values.resources }}{{ with .limits }}{{ with .memory }}
- name: DENO_V8_FLAGS
  value: --max-old-space-size={{ divf (include "brokkr.bytes" . | float64) 1048576 | mulf 0.6 | floor | int | max 1 }}{{ include "program.v8Flags" $ }}
{{- end }}{{ end }}{{ end }}
{{- end }}

{{/* The environment: the list `over`, and of the variables in `own`, a text of YAML, those that it does not give. */}}
{{- define "brokkr.env" -}}
{{- $given := dict }}
{{- range .over }}{{ $_ := set $given .name true }}{{ end }}
{{- $env := list }}
{{- range fromYamlArray .own }}
{{- if not (hasKey $given .name) }}{{ $env = append $env . }}{{ end }}
{{- end }}
{{- toYaml (concat $env (.over | default list)) }}
{{- end }}

{{/* The Secret of the certificate by which the program speaks TLS, empty where it does not. */}}
{{- define "brokkr.tlsSecret" -}}
{{- with .Values.tls }}{{ .existingSecret }}{{ end }}
{{- end }}

{{/* As a folder, not file by file: only so does the kubelet bring what is rotated. */}}
{{- define "brokkr.tlsMount" -}}
{{- if include "brokkr.tlsSecret" . -}}
- name: tls
  mountPath: /etc/brokkr/tls
  readOnly: true
{{- end }}
{{- end }}

{{- define "brokkr.tlsVolume" -}}
{{- with include "brokkr.tlsSecret" . -}}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440
{{- end }}
{{- end }}

{{- define "brokkr.metricsMount" -}}
{{- if and .Values.metrics.enabled .Values.metrics.bearerToken.existingSecret -}}
- name: metrics-token
  mountPath: /etc/brokkr/metrics
  readOnly: true
{{- end }}
{{- end }}

{{- define "brokkr.metricsVolume" -}}
{{- if and .Values.metrics.enabled .Values.metrics.bearerToken.existingSecret -}}
- name: metrics-token
  secret:
    secretName: {{ .Values.metrics.bearerToken.existingSecret }}
    defaultMode: 288 # 0440
{{- end }}
{{- end }}

{{/* A probe, of `root`, by its value's name: what is asked, by `path`, and how patiently. None where the value is null. */}}
{{- define "brokkr.probe" -}}
{{- if get .root.Values .name }}
{{ .name }}:
  httpGet: { path: {{ .path }}, port: {{ .port }}{{ if include "brokkr.tlsSecret" .root }}, scheme: HTTPS{{ end }} }
  {{- range $field, $value := get .root.Values .name }}
  {{- if $value }}
  {{ $field }}: {{ $value }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What is the same in the containers of both programs; `live` is the port of the probes. */}}
{{- define "brokkr.container" -}}
image: {{ include "brokkr.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- with .root.Values.containerSecurityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{ include "brokkr.probe" (dict "root" .root "name" "startupProbe" "path" "/healthz" "port" .live) }}
{{ include "brokkr.probe" (dict "root" .root "name" "livenessProbe" "path" "/healthz" "port" .live) }}
{{ include "brokkr.probe" (dict "root" .root "name" "readinessProbe" "path" "/readyz" "port" .live) }}
{{- $lifecycle := deepCopy (.root.Values.lifecycle | default dict) }}
{{- $pause := .root.Values.preStopSleepSeconds }}
{{- if and $pause (not (hasKey $lifecycle "preStop")) }}
{{- $_ := set $lifecycle "preStop" (dict "sleep" (dict "seconds" (int $pause))) }}
{{- end }}
{{- with $lifecycle }}
lifecycle: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What is the same in the Pods of both programs. */}}
{{- define "brokkr.pod" -}}
serviceAccountName: {{ include "brokkr.serviceAccountName" . }}
terminationGracePeriodSeconds: {{ add .Values.terminationGracePeriodSeconds (.Values.preStopSleepSeconds | default 0) }}
# Variables named for Services could look like settings, and unknown ones stop the start.
enableServiceLinks: false
{{- with .Values.podSecurityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{- $pull := list }}
{{- range concat (.Values.global.imagePullSecrets | default list) (.Values.imagePullSecrets | default list) }}
{{- $pull = append $pull (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- with uniq $pull }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" "runtimeClassName" "schedulerName" "hostAliases" "dnsPolicy" "dnsConfig" }}
{{- with get $.Values $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The metadata of the Pod. Nothing of it changes with the chart's version, so that only what the Pod is made of starts a
new one; `secret` is what it reads of the chart's own Secret when it starts.
*/}}
{{- define "brokkr.podMetadata" -}}
{{- $values := .root.Values }}
{{- $own := include "brokkr.selectorLabels" .root | fromYaml -}}
labels: {{- merge $own ($values.podLabels | default dict) ($values.commonLabels | default dict) (dict "app.kubernetes.io/part-of" "brokkr") | toYaml | nindent 2 }}
{{- $checksums := dict }}
{{- with trim .secret }}{{ $_ := set $checksums "checksum/secret" (sha256sum .) }}{{ end }}
{{- with merge $checksums ($values.podAnnotations | default dict) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
