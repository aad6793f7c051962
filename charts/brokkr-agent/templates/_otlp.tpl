{{/* The same file in both charts; tests/charts holds them equal. */}}

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
