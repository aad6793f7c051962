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

{{/* The labels of the Pod that `helm test` runs: none of the chart's selectors may find it. */}}
{{- define "brokkr.testLabels" -}}
app.kubernetes.io/name: {{ include "brokkr.name" . | trunc 58 }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "brokkr.chartLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: brokkr
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "brokkr.labels" -}}
{{ include "brokkr.selectorLabels" . }}
{{ include "brokkr.chartLabels" . }}
{{- end }}

{{- define "brokkr.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (ternary (include "brokkr.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "brokkr.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* A value as a setting's text: a list with commas, a number with all its digits. */}}
{{- define "brokkr.text" -}}
{{- if kindIs "slice" . }}{{ join "," . }}{{ else if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end }}
{{- end }}

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

{{/* What the program is told of where it sends what. */}}
{{- define "brokkr.otlpSettings" -}}
{{- with .Values.otlp }}
{{- if and .metricsEndpoint (ne .metricsEndpoint "none") (not $.Values.metrics.enabled) }}
{{- fail "otlp.metricsEndpoint needs metrics.enabled: there are no metrics to be sent" }}
{{- end }}
{{- with .endpoint }}
- name: BROKKR__OTLP__ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .metricsEndpoint }}
- name: BROKKR__OTLP__METRICS_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .tracesEndpoint }}
- name: BROKKR__OTLP__TRACES_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .logsEndpoint }}
- name: BROKKR__OTLP__LOGS_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- if .logs }}
- name: BROKKR__OTLP__LOGS
  value: "true"
{{- end }}
{{- with .metricsIntervalSeconds }}
- name: BROKKR__OTLP__METRICS_INTERVAL_SECONDS
  value: {{ include "brokkr.text" . | quote }}
{{- end }}
{{- with .metricsTemporality }}
- name: BROKKR__OTLP__METRICS_TEMPORALITY
  value: {{ . }}
{{- end }}
{{- if .headers.existingSecret }}
- name: BROKKR__OTLP__HEADERS_FILE
  value: /etc/brokkr/otlp/headers/{{ .headers.existingSecretKey }}
{{- end }}
{{- if include "brokkr.otlpCaSource" $ }}
- name: BROKKR__OTLP__CA_FILE
  value: /etc/brokkr/otlp/ca/{{ .ca.key }}
{{- end }}
{{- if .clientCertificate.existingSecret }}
- name: BROKKR__OTLP__CLIENT_CERT_FILE
  value: /etc/brokkr/otlp/tls/{{ .clientCertificate.certKey }}
- name: BROKKR__OTLP__CLIENT_KEY_FILE
  value: /etc/brokkr/otlp/tls/{{ .clientCertificate.keyKey }}
{{- end }}
{{- end }}
{{- with .Values.tracing }}
{{- if not (kindIs "invalid" .enabled) }}
- name: BROKKR__TRACING__ENABLED
  value: {{ .enabled | quote }}
{{- end }}
{{- if not (kindIs "invalid" .sampleRatio) }}
- name: BROKKR__TRACING__SAMPLE_RATIO
  value: {{ include "brokkr.text" .sampleRatio | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The volume's source of the receiver's authorities, empty where those of the machine are enough. */}}
{{- define "brokkr.otlpCaSource" -}}
{{- with .Values.otlp.ca }}
{{- if and .existingConfigMap .existingSecret }}{{ fail "otlp.ca takes existingConfigMap or existingSecret, not both" }}{{ end }}
{{- if .existingConfigMap -}}
configMap: { name: {{ .existingConfigMap }} }
{{- else if .existingSecret -}}
secret: { secretName: {{ .existingSecret }} }
{{- end }}
{{- end }}
{{- end }}

{{- define "brokkr.otlpMounts" -}}
{{- if .Values.otlp.headers.existingSecret }}
- { name: otlp-headers, mountPath: /etc/brokkr/otlp/headers, readOnly: true }
{{- end }}
{{- if include "brokkr.otlpCaSource" . }}
- { name: otlp-ca, mountPath: /etc/brokkr/otlp/ca, readOnly: true }
{{- end }}
{{- if .Values.otlp.clientCertificate.existingSecret }}
- { name: otlp-tls, mountPath: /etc/brokkr/otlp/tls, readOnly: true }
{{- end }}
{{- end }}

{{- define "brokkr.otlpVolumes" -}}
{{- with .Values.otlp.headers.existingSecret }}
- name: otlp-headers
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440
{{- end }}
{{- with include "brokkr.otlpCaSource" . }}
- name: otlp-ca
  {{ . }}
{{- end }}
{{- with .Values.otlp.clientCertificate.existingSecret }}
- name: otlp-tls
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440
{{- end }}
{{- end }}

{{/* The way out to the receivers, for a NetworkPolicy that limits the ways out; empty where nothing is sent. */}}
{{- define "brokkr.otlpEgress" -}}
{{- $ports := list }}
{{- with .Values.otlp }}
{{- range list .endpoint .metricsEndpoint .tracesEndpoint .logsEndpoint }}
{{- if regexMatch "^https?://" . }}
{{- $url := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- $ports = append $ports (int $port) }}
{{- end }}
{{- end }}
{{- end }}
{{- with uniq $ports }}
- ports:
    {{- range . }}
    - { port: {{ . }} }
    {{- end }}
  {{- with $.Values.networkPolicy.otlpTo }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* A duration of Prometheus in milliseconds: 1m30s. */}}
{{- define "brokkr.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 }}
{{- $sum := 0.0 }}
{{- range regexFindAll "[0-9]+(?:ms|[ywdhms])" . -1 }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get $units $unit | float64)) }}
{{- end }}
{{- $sum }}
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
  value: --max-old-space-size={{ divf (include "brokkr.bytes" . | float64) 1048576 | mulf 0.6 | floor | int | max 1 }}
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
{{- toYaml (concat $env .over) }}
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

{{/* What is the same in the containers of both programs; `live` is the port of the probes. */}}
{{- define "brokkr.container" -}}
{{- $scheme := ternary ", scheme: HTTPS" "" (not (empty (include "brokkr.tlsSecret" .root))) }}
image: {{ include "brokkr.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- with .root.Values.containerSecurityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
startupProbe:
  httpGet: { path: /healthz, port: {{ .live }}{{ $scheme }} }
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /healthz, port: {{ .live }}{{ $scheme }} }
  periodSeconds: 10
  timeoutSeconds: 3
readinessProbe:
  httpGet: { path: /readyz, port: {{ .live }}{{ $scheme }} }
  periodSeconds: 5
  timeoutSeconds: 3
{{- with .root.Values.resources }}
resources: {{- toYaml . | nindent 2 }}
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

{{/* What is the same in the Pods of both programs. */}}
{{- define "brokkr.pod" -}}
serviceAccountName: {{ include "brokkr.serviceAccountName" . }}
terminationGracePeriodSeconds: {{ add .Values.terminationGracePeriodSeconds (.Values.preStopSleepSeconds | default 0) }}
# Variables named for Services could look like settings, and unknown ones stop the start.
enableServiceLinks: false
{{- with .Values.podSecurityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $field := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
{{- with get $.Values $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* The metadata of the Pod; `checksum` is of the chart's own Secret, so that a change of it starts a new Pod. */}}
{{- define "brokkr.podMetadata" -}}
labels:
  {{- include "brokkr.labels" .root | nindent 2 }}
  {{- with .root.Values.podLabels }}{{ toYaml . | nindent 2 }}{{ end }}
annotations:
  checksum/secret: {{ sha256sum .secret }}
  {{- with .root.Values.podAnnotations }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
