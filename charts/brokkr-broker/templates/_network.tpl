{{/* The same file in both charts; tests/charts holds them equal. */}}

{{/* A rule for ways out: to any of `to`, or to anybody, on each of `ports` by each of `protocols`. */}}
{{- define "brokkr.wayOut" -}}
{{- $ports := list }}
{{- range $port := .ports }}
{{- range $.protocols | default (list "TCP") }}{{ $ports = append $ports (dict "port" (int $port) "protocol" .) }}{{ end }}
{{- end }}
{{- if not $ports }}{{ fail "a rule of the NetworkPolicy has no ports, which would open all: name them, or leave their value as it is" }}{{ end }}
{{- $rule := dict "ports" $ports }}
{{- with .to }}{{ $_ := set $rule "to" . }}{{ end }}
{{- list $rule | toYaml }}
{{- end }}

{{/* The port of a URL. */}}
{{- define "brokkr.portOf" -}}
{{- $url := urlParse . }}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}

{{/* The ways out to the receivers of telemetry; empty where nothing is sent. */}}
{{- define "brokkr.otlpEgress" -}}
{{- $ports := list }}
{{- $endpoints := list (dig "metrics" "otlp_endpoint" "" .Values.settings) }}
{{- with .Values.otlp }}
{{- $endpoints = concat (list .endpoint .metricsEndpoint .tracesEndpoint .logsEndpoint) $endpoints }}
{{- end }}
{{- range $endpoints }}
{{- if regexMatch "^https?://" (toString .) }}{{ $ports = append $ports (include "brokkr.portOf" .) }}{{ end }}
{{- end }}
{{- with uniq $ports }}
{{- include "brokkr.wayOut" (dict "ports" . "to" $.Values.networkPolicy.otlpTo) }}
{{- end }}
{{- end }}

{{/* Every way out, a YAML list; empty where they are not limited. */}}
{{- define "brokkr.egress" -}}
{{- with .Values.networkPolicy }}
{{- if .restrictEgress }}
{{ include "brokkr.wayOut" (dict "ports" .dnsPorts "protocols" (list "UDP" "TCP") "to" .dnsTo) }}
{{ include "brokkr.needs" $ }}
{{- end }}
{{- with .egress }}
{{ toYaml . }}
{{- end }}
{{- if or .restrictEgress .egress }}
{{ include "brokkr.otlpEgress" $ }}
{{- end }}
{{- end }}
{{- end }}
