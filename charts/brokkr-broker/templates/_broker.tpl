{{/* What V8 is told beside its limit for old objects: nothing. */}}
{{- define "program.v8Flags" -}}{{- end }}

{{/* Values that templates look into, or can't do without. */}}
{{- define "program.neverNull" -}}
image broker postgresql postgresql.external persistence service.port ingress httpRoute autoscaling metrics metrics.bearerToken metrics.serviceMonitor metrics.podMonitor metrics.prometheusRule metrics.dashboards otlp otlp.headers otlp.clientCertificate serviceAccount serviceAccount.create networkPolicy service
{{- end }}

{{/* The port of the container that the API and the probes are on. */}}
{{- define "program.port" -}}3000{{- end }}

{{/* "true" where the database is the embedded one, else empty. */}}
{{- define "broker.isEmbedded" -}}
{{- if not (or .Values.postgresql.external.host .Values.postgresql.existingSecret) }}true{{ end }}
{{- end }}

{{/* "true" where several brokers may run at once, else empty. */}}
{{- define "broker.isSeveral" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) }}true{{ end }}
{{- end }}

{{/*
How many brokers there are. While an autoscaler decides, as many as it has made of them: left out, Helm takes the field
away, which makes 1 of any number. What `helm template` renders has none, for it sees no cluster.
*/}}
{{- define "broker.replicas" -}}
{{- if not .Values.autoscaling.enabled }}{{ .Values.replicaCount }}
{{- else }}{{ with lookup "apps/v1" "Deployment" .Release.Namespace (include "brokkr.fullname" .) }}{{ int .spec.replicas }}{{ end }}
{{- end }}
{{- end }}

{{/* How a new version takes the old one's place: one more at a time and never one fewer, or two databases in one place. */}}
{{- define "broker.strategy" -}}
{{- $rolling := dict "type" "RollingUpdate" "rollingUpdate" (dict "maxSurge" 1 "maxUnavailable" 0) }}
{{- $own := ternary (dict "type" "Recreate") $rolling (eq (include "broker.isEmbedded" .) "true") }}
{{- .Values.strategy | default $own | toYaml }}
{{- end }}

{{/* How many connections the brokers may hold at their database, with the one more that a rollout brings. */}}
{{- define "broker.connections" -}}
{{- $pool := 10 }}
{{- with (.Values.settings | default dict).database }}{{ with .pool_size }}{{ $pool = int . }}{{ end }}{{ end }}
{{- $brokers := ternary .Values.autoscaling.maxReplicas .Values.replicaCount .Values.autoscaling.enabled | int | add1 }}
{{- mul $brokers (add $pool 2) }}
{{- end }}

{{/* Ends the rendering where values would not do what they say. */}}
{{- define "broker.check" -}}
{{- if include "broker.isEmbedded" . }}
{{- $remedy := "set postgresql.external.host or postgresql.existingSecret" }}
{{- if .Values.autoscaling.enabled }}
{{- fail (printf "autoscaling.enabled needs PostgreSQL, because the embedded database serves one broker only: %s" $remedy) }}
{{- else if gt (int .Values.replicaCount) 1 }}
{{- fail (printf "replicaCount %d needs PostgreSQL, because the embedded database serves one broker only: %s" (int .Values.replicaCount) $remedy) }}
{{- end }}
{{- end }}
{{- if and (include "broker.isEmbedded" .) .Values.strategy (ne .Values.strategy.type "Recreate") }}
{{- fail (printf "strategy.type %s needs PostgreSQL, because the embedded database serves one broker only" .Values.strategy.type) }}
{{- end }}
{{- include "broker.checkAutoscaling" . }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.parentRefs is required with httpRoute.enabled: a route without a Gateway leads nowhere" }}
{{- end }}
{{- if and .Values.networkPolicy.enabled .Values.networkPolicy.metricsFrom (not (include "broker.limitsScrapes" .)) }}
{{- fail "networkPolicy.metricsFrom limits nothing while /metrics is on the API's port and everybody may use the API: set metrics.port, or limit the API with networkPolicy.apiFrom" }}
{{- end }}
{{- end }}

{{/* An autoscaler that could not work is refused: it would only say so in its status. */}}
{{- define "broker.checkAutoscaling" -}}
{{- with .Values.autoscaling }}
{{- if .enabled }}
{{- if not (or .targetCPUUtilizationPercentage .targetMemoryUtilizationPercentage .metrics) }}
{{- fail "autoscaling.enabled needs a target: set autoscaling.targetCPUUtilizationPercentage, autoscaling.targetMemoryUtilizationPercentage or autoscaling.metrics" }}
{{- end }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- fail (printf "autoscaling.minReplicas %d is more than autoscaling.maxReplicas, which is %d" (int .minReplicas) (int .maxReplicas)) }}
{{- end }}
{{- range $resource, $target := dict "cpu" .targetCPUUtilizationPercentage "memory" .targetMemoryUtilizationPercentage }}
{{- $asked := or (dig "requests" $resource "" ($.Values.resources | default dict)) (dig "limits" $resource "" ($.Values.resources | default dict)) }}
{{- if and $target (not $asked) }}
{{- fail (printf "autoscaling's target of %s is a share of resources.requests.%s, which is not set" $resource $resource) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* "true" where the NetworkPolicy can tell who may scrape from who may use the API, or where there is nothing to scrape. */}}
{{- define "broker.limitsScrapes" -}}
{{- if or .Values.metrics.port .Values.networkPolicy.apiFrom (not .Values.metrics.enabled) }}true{{ end }}
{{- end }}

{{/* Whom the broker needs, beside DNS and receivers of telemetry, as egress rules. */}}
{{- define "brokkr.needs" -}}
{{- if not (include "broker.isEmbedded" .) }}
{{- with .Values.networkPolicy }}
{{- include "brokkr.wayOut" (dict "ports" (.databasePorts | default (list $.Values.postgresql.external.port)) "to" .databaseTo) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where requests from outside may go: never to `/metrics`, which needs no key. */}}
{{- define "broker.publicPaths" -}}
[/api, /console, /docs]
{{- end }}

{{/* A text as a part of a URL. */}}
{{- define "broker.escaped" -}}
{{ . | urlquery | replace "+" "%20" }}
{{- end }}

{{- define "broker.databaseUrl" -}}
{{- with .Values.postgresql.external -}}
{{- $host := ternary (printf "[%s]" .host) .host (contains ":" .host) -}}
{{- $login := include "broker.escaped" .username -}}
{{- if .password }}{{ $login = printf "%s:%s" $login (include "broker.escaped" .password) }}{{ end -}}
postgres://{{ $login }}@{{ $host }}:{{ include "brokkr.text" .port }}/{{ include "broker.escaped" .database }}?sslmode={{ .sslMode }}
{{- end }}
{{- end }}

{{/* The contents of the chart's own Secret, empty where other Secrets hold everything. */}}
{{- define "brokkr.secret" -}}
{{- if and .Values.postgresql.external.host (not .Values.postgresql.existingSecret) }}
{{ .Values.postgresql.existingSecretKey }}: {{ include "broker.databaseUrl" . | quote }}
{{- end }}
{{- if and .Values.broker.pakHash (not .Values.broker.pakHashExistingSecret) }}
{{ .Values.broker.pakHashExistingSecretKey }}: {{ .Values.broker.pakHash | quote }}
{{- end }}
{{- end }}

{{- define "broker.tlsSettings" -}}
{{- if include "brokkr.tlsSecret" . }}
- name: BROKKR__BROKER__TLS_CERT_FILE
  value: /etc/brokkr/tls/{{ .Values.tls.certKey }}
- name: BROKKR__BROKER__TLS_KEY_FILE
  value: /etc/brokkr/tls/{{ .Values.tls.keyKey }}
{{- with .Values.tls.clientCaKey }}
- name: BROKKR__BROKER__TLS_CLIENT_CA_FILE
  value: /etc/brokkr/tls/{{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "broker.ownEnv" -}}
{{- $own := include "brokkr.fullname" . -}}
- name: BROKKR__BROKER__LISTEN
  value: {{ printf "%s:%s" (include "brokkr.anyAddress" . | replace "::" "[::]") (include "program.port" .) | quote }}
- name: BROKKR__DATA_DIR
  value: /data
- name: BROKKR_POD_UID
  valueFrom: { fieldRef: { fieldPath: metadata.uid } }
- name: BROKKR__LOG__LEVEL
  value: {{ .Values.broker.logLevel }}
{{- if not (include "broker.isEmbedded" .) }}
- name: BROKKR__DATABASE__URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.postgresql.existingSecret | default $own }}
      key: {{ .Values.postgresql.existingSecretKey }}
{{- end }}
- name: BROKKR__DATABASE__SCHEMA
  value: {{ .Values.postgresql.external.schema }}
{{- if or .Values.broker.pakHash .Values.broker.pakHashExistingSecret }}
- name: BROKKR__BROKER__PAK_HASH
  valueFrom:
    secretKeyRef:
      name: {{ .Values.broker.pakHashExistingSecret | default $own }}
      key: {{ .Values.broker.pakHashExistingSecretKey }}
{{- end }}
{{- include "brokkr.metricsSettings" . }}
{{- include "brokkr.otlpSettings" . }}
{{- include "broker.tlsSettings" . }}
{{- include "brokkr.settings" . }}
{{- include "brokkr.heapLimit" . }}
{{- end }}

{{/* The port, by name, of the Service and of the Pod where `/metrics` is. */}}
{{- define "brokkr.metricsPort" -}}
{{ ternary "metrics" "http" (not (empty .Values.metrics.port)) }}
{{- end }}

{{- define "brokkr.scrapedPort" -}}
{{ include "brokkr.metricsPort" . }}
{{- end }}

{{/* What the Pod that `helm test` runs is told: to look for a broker at the Service. */}}
{{- define "brokkr.testEnv" -}}
- name: BROKKR__BROKER__LISTEN
  value: {{ include "brokkr.fullname" . }}:{{ .Values.service.port }}
{{- include "broker.tlsSettings" . }}
{{- end }}
