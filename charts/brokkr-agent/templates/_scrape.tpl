{{/* The same file in both charts; tests/charts holds them equal. */}}

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

{{/* How Prometheus scrapes the port named `port`, as `monitor` says, the value by that `name`. */}}
{{- define "brokkr.scrape" -}}
{{- $root := .root }}
{{- $monitor := get $root.Values.metrics .name }}
- port: {{ .port }}
  path: /metrics
  interval: {{ $monitor.interval }}
  {{- with $monitor.scrapeTimeout }}
  {{- if gt (include "brokkr.milliseconds" . | float64) (include "brokkr.milliseconds" $monitor.interval | float64) }}
  {{- fail (printf "metrics.%s.scrapeTimeout %s is longer than metrics.%s.interval, which is %s: Prometheus refuses that" $.name . $.name $monitor.interval) }}
  {{- end }}
  scrapeTimeout: {{ . }}
  {{- end }}
  {{- if $monitor.honorLabels }}
  honorLabels: true
  {{- end }}
  {{- if include "brokkr.tlsSecret" $root }}
  {{- $server := printf "%s.%s.svc" (include "brokkr.fullname" $root) $root.Release.Namespace }}
  scheme: https
  tlsConfig: {{- merge (dict) ($monitor.tlsConfig | default dict) (dict "serverName" $server) | toYaml | nindent 4 }}
  {{- end }}
  {{- with $root.Values.metrics.bearerToken }}
  {{- if .existingSecret }}
  authorization:
    credentials:
      name: {{ .existingSecret }}
      key: {{ .existingSecretKey }}
  {{- end }}
  {{- end }}
  relabelings:
    # The operator's `endpoint` label, a port's name, would push the one of our metrics aside.
    - { action: labeldrop, regex: endpoint }
    {{- with $monitor.relabelings }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with $monitor.metricRelabelings }}
  metricRelabelings: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* What a ServiceMonitor and a PodMonitor are both told: whom they look for, and where. */}}
{{- define "brokkr.scraped" -}}
# The job is the program's name, whatever the release is called.
jobLabel: app.kubernetes.io/name
{{- with (get .root.Values.metrics .name).namespace }}
namespaceSelector:
  matchNames: [{{ $.root.Release.Namespace }}]
{{- end }}
selector:
  matchLabels: {{- include "brokkr.selectorLabels" .root | nindent 4 }}
{{- end }}

{{/* What is to be known of a monitor that scrapes more seldom than the rules and the dashboards are made for. */}}
{{- define "brokkr.seldomScraped" -}}
{{- range $name := list "serviceMonitor" "podMonitor" }}
{{- $monitor := get $.Values.metrics $name }}
{{- if and $.Values.metrics.enabled $monitor.enabled (gt (include "brokkr.milliseconds" ($monitor.interval | default "") | float64) 60000.0) }}

WARNING: metrics.{{ $name }}.interval is {{ $monitor.interval }}. The rules and the dashboards are made for a minute at most: above
that there is too little in their windows, and some alerts never fire.
{{- end }}
{{- end }}
{{- end }}
