{{/* Values that templates look into, or can't do without. */}}
{{- define "program.neverNull" -}}
image broker broker.clientCertificate agent rbac metrics metrics.bearerToken metrics.serviceMonitor metrics.podMonitor metrics.prometheusRule metrics.dashboards otlp otlp.headers otlp.clientCertificate serviceAccount serviceAccount.create networkPolicy service
{{- end }}

{{/* The port of the container that the probes are on. */}}
{{- define "program.port" -}}8080{{- end }}

{{/* The port of the agent's Service where `/metrics` is. */}}
{{- define "brokkr.metricsPort" -}}
metrics
{{- end }}

{{/* The port, by name, of the Pod where `/metrics` is. */}}
{{- define "brokkr.scrapedPort" -}}
{{ ternary "metrics" "health" (not (empty .Values.metrics.port)) }}
{{- end }}

{{/*
How a new version takes the old one's place. One agent a cluster: two would undo each other's work, so the old one ends
before the new one starts; of two replicas the one that holds the Lease works.
*/}}
{{- define "agent.strategy" -}}
{{- $isOne := eq (int .Values.replicaCount) 1 }}
{{- $rolling := dict "type" "RollingUpdate" "rollingUpdate" (dict "maxUnavailable" 1) }}
{{- with .Values.strategy }}
{{- if and $isOne (ne .type "Recreate") }}
{{- fail (printf "strategy.type %s needs replicaCount 2: two agents without a Lease would undo each other's work" .type) }}
{{- end }}
{{- end }}
{{- .Values.strategy | default (ternary (dict "type" "Recreate") $rolling $isOne) | toYaml }}
{{- end }}

{{/* The contents of the chart's own Secret, empty where another one holds the key. A new key is read without a restart. */}}
{{- define "brokkr.secret" -}}
{{- if not .Values.broker.existingSecret }}
{{ .Values.broker.existingSecretKey }}: {{ required "broker.pak or broker.existingSecret is required: the agent's key, which the broker shows once when the agent is made" .Values.broker.pak | quote }}
{{- end }}
{{- end }}

{{/* What the agent is told but for its metrics. */}}
{{- define "agent.core" -}}
- name: BROKKR__AGENT__BROKER_URL
  value: {{ required "broker.url is required: where the broker is" .Values.broker.url | quote }}
- name: BROKKR__AGENT__AGENT_NAME
  value: {{ required "broker.agentName is required: the agent's name at the broker" .Values.broker.agentName | quote }}
- name: BROKKR__AGENT__CLUSTER_NAME
  value: {{ required "broker.clusterName is required: the cluster's name at the broker" .Values.broker.clusterName | quote }}
- name: BROKKR__AGENT__PAK_FILE
  value: /etc/brokkr/key/{{ .Values.broker.existingSecretKey }}
{{- with .Values.broker.generatorIds }}
- name: BROKKR__AGENT__GENERATOR_IDS
  value: {{ include "brokkr.text" . | quote }}
{{- end }}
{{- if .Values.rbac.impersonateGenerators }}
{{- if not (include "agent.generatorUsers" . | trim) }}{{ fail "broker.generatorIds is required with rbac.impersonateGenerators: as whom the agent may act" }}{{ end }}
- name: BROKKR__AGENT__IMPERSONATE_GENERATORS
  value: "true"
{{- end }}
- name: BROKKR__AGENT__HEALTH_ADDRESS
  value: {{ include "brokkr.anyAddress" . | quote }}
- name: BROKKR__AGENT__HEALTH_PORT
  value: {{ include "program.port" . | quote }}
- name: BROKKR__AGENT__NAMESPACE
  value: {{ .Release.Namespace }}
- name: BROKKR__AGENT__POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: BROKKR_POD_UID
  valueFrom: { fieldRef: { fieldPath: metadata.uid } }
- name: BROKKR__AGENT__POLLING_INTERVAL
  value: {{ include "brokkr.text" .Values.agent.pollingInterval | quote }}
{{- if gt (int .Values.replicaCount) 1 }}
- name: BROKKR__AGENT__LEASE
  value: "true"
{{- end }}
- name: BROKKR__LOG__LEVEL
  value: {{ .Values.agent.logLevel }}
{{- include "brokkr.settings" . }}
{{- end }}

{{/* What the agent is told of files that its Pod has for TLS with the broker. */}}
{{- define "agent.brokerFiles" -}}
{{- if include "agent.caSource" . }}
- name: BROKKR__AGENT__BROKER_CA_FILE
  value: /etc/brokkr/broker-ca/{{ .Values.broker.ca.key }}
{{- end }}
{{- if .Values.broker.clientCertificate.existingSecret }}
- name: BROKKR__AGENT__BROKER_CLIENT_CERT_FILE
  value: /etc/brokkr/client/{{ .Values.broker.clientCertificate.certKey }}
- name: BROKKR__AGENT__BROKER_CLIENT_KEY_FILE
  value: /etc/brokkr/client/{{ .Values.broker.clientCertificate.keyKey }}
{{- end }}
{{- end }}

{{/* The volume's source of the broker's authorities, empty where those of the machine are enough. */}}
{{- define "agent.caSource" -}}
{{- with .Values.broker.ca }}
{{- if and .existingConfigMap .existingSecret }}{{ fail "broker.ca takes existingConfigMap or existingSecret, not both" }}{{ end }}
{{- if .existingConfigMap -}}
configMap: { name: {{ .existingConfigMap }} }
{{- else if .existingSecret -}}
secret: { secretName: {{ .existingSecret }} }
{{- end }}
{{- end }}
{{- end }}

{{/* As folders, not file by file: only so does the kubelet bring what is rotated. */}}
{{- define "agent.brokerMounts" -}}
{{- if include "agent.caSource" . }}
- { name: broker-ca, mountPath: /etc/brokkr/broker-ca, readOnly: true }
{{- end }}
{{- if .Values.broker.clientCertificate.existingSecret }}
- { name: client, mountPath: /etc/brokkr/client, readOnly: true }
{{- end }}
{{- end }}

{{- define "agent.brokerVolumes" -}}
{{- with include "agent.caSource" . }}
- name: broker-ca
  {{ . }}
{{- end }}
{{- with .Values.broker.clientCertificate.existingSecret }}
- name: client
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440
{{- end }}
{{- end }}

{{/* Whom the agent needs, beside DNS and receivers of telemetry, as egress rules. */}}
{{- define "brokkr.needs" -}}
{{- with .Values.networkPolicy }}
{{- include "brokkr.wayOut" (dict "ports" .apiServerPorts "to" .apiServerTo) }}
{{ include "brokkr.wayOut" (dict "ports" (.brokerPorts | default (list (include "brokkr.portOf" $.Values.broker.url))) "to" .brokerTo) }}
{{- end }}
{{- end }}

{{/* The users as whom the agent acts, a YAML list; rules know no prefixes, so each is named. */}}
{{- define "agent.generatorUsers" -}}
{{- range splitList "," (include "brokkr.text" .Values.broker.generatorIds) }}
{{- with trim . }}
- {{ printf "brokkr:generator:%s" . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Room for new objects that is half of V8's own: all that is in it counts, and an agent's comes in bursts. */}}
{{- define "program.v8Flags" -}},--max-semi-space-size=8{{- end }}

{{/* What the Pod that `helm test` runs is told: what the agent is, and to look for one at the Service. */}}
{{- define "brokkr.testEnv" -}}
{{- $place := list (dict "name" "BROKKR__AGENT__HEALTH_ADDRESS" "value" (include "brokkr.fullname" .)) }}
{{- include "brokkr.env" (dict "own" (include "agent.core" .) "over" (concat $place (.Values.extraEnv | default list))) }}
{{- end }}
