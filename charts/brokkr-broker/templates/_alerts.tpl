{{/* The same file in both charts; tests/charts holds them equal. */}}

{{/*
The groups of the chart's rules, which are plain files of Prometheus, as this release has them: without those that are
disabled, each as `metrics.prometheusRule.overrides` says, and the user's own after them.
*/}}
{{- define "brokkr.ruleGroups" -}}
{{- $given := .Values.metrics.prometheusRule }}
{{- $disabled := $given.disabled | default list }}
{{- $groups := list }}
{{- $names := list }}
{{- range $path, $bytes := .Files.Glob "rules/*.yaml" }}
{{- range $group := ($bytes | toString | fromYaml).groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- $name := $rule.alert | default $rule.record }}
{{- $names = append $names $name }}
{{- if not (has $name $disabled) }}
{{- $rules = append $rules (include "brokkr.rule" (dict "root" $ "name" $name "rule" $rule) | fromYaml) }}
{{- end }}
{{- end }}
{{- if $rules }}{{ $groups = append $groups (set $group "rules" $rules) }}{{ end }}
{{- end }}
{{- end }}
{{- range $name := concat $disabled (keys ($given.overrides | default dict)) }}
{{- if not (has $name $names) }}
{{- fail (printf "metrics.prometheusRule names %q, which is no rule of this chart; these are: %s" $name (join ", " $names)) }}
{{- end }}
{{- end }}
{{- toYaml (concat $groups ($given.extraGroups | default list)) }}
{{- end }}

{{/* A rule of the chart as this release has it. Labels are added to alerts alone: a recording is found by those it has. */}}
{{- define "brokkr.rule" -}}
{{- $given := .root.Values.metrics.prometheusRule }}
{{- $over := get ($given.overrides | default dict) .name | default dict }}
{{- $rule := merge (omit $over "threshold" "labels" "annotations") .rule }}
{{- if not $over.expr }}
{{- $_ := set $rule "expr" (include "brokkr.ownSeries" (dict "root" .root "expr" .rule.expr)) }}
{{- end }}
{{- $annotations := .rule.annotations | default dict }}
{{- if hasKey $over "threshold" }}
{{- if or $over.expr (not (regexMatch `(?m)# threshold$` .rule.expr)) }}
{{- fail (printf "metrics.prometheusRule.overrides.%s.threshold has no effect: give expr alone, with a threshold of its own" .name) }}
{{- end }}
{{- $threshold := include "brokkr.text" $over.threshold }}
{{- $_ := set $rule "expr" (regexReplaceAll `(?m)[-+.\w]+ # threshold$` $rule.expr (printf "%s # threshold" $threshold)) }}
{{- $_ := set $annotations "description" (regexReplaceAll `(?s)The threshold is .+?\.(\s|$)` $annotations.description (printf "The threshold is %s, as set.${1}" $threshold)) }}
{{- end }}
{{- if .rule.alert }}
{{- with $given.runbookBaseUrl }}
{{- $_ := set $annotations "runbook_url" (printf "%s/docs/content/how-to/answer-alerts.md#%s" (trimSuffix "/" .) (lower $.rule.alert)) }}
{{- end }}
{{- $_ := set $rule "labels" (merge (dict) ($over.labels | default dict) ($given.additionalRuleLabels | default dict) (.rule.labels | default dict)) }}
{{- $_ := set $rule "annotations" (merge (dict) ($over.annotations | default dict) $annotations) }}
{{- end }}
{{- toYaml $rule }}
{{- end }}

{{/*
An expression of which every selector of our series, and of `up`, finds those of this release alone. So an alert of what
is absent says whose it is. Twice, because of two names with one character between them only one is found at once.
*/}}
{{- define "brokkr.ownSeries" -}}
{{- $labels := dict "namespace" .root.Release.Namespace "job" (include "brokkr.name" .root) }}
{{- with .root.Values.metrics.prometheusRule }}
{{- if not (kindIs "invalid" .selector) }}{{ $labels = .selector }}{{ end }}
{{- end }}
{{- $matchers := list }}
{{- range $name, $value := $labels }}{{ $matchers = append $matchers (printf "%s=%q" $name $value) }}{{ end }}
{{- $own := join ", " $matchers }}
{{- $series := `(^|[^\w:"])(brokkr[_:][\w:]+|process_\w+|up)` }}
{{- $expr := .expr }}
{{- if $own }}
{{- range list 1 2 }}
{{- $expr = regexReplaceAll (print $series `([^\w:{"]|$)`) $expr (printf "${1}${2}{%s}${3}" $own) }}
{{- end }}
{{- $expr = regexReplaceAll (print $series `\{`) $expr (printf "${1}${2}{%s, " $own) }}
{{- $expr = replace (printf "{%s, %s}" $own $own) (printf "{%s}" $own) $expr }}
{{- end }}
{{- /* YAML shows a text with spaces at the end of a line between quotation marks, all on one line. */}}
{{- regexReplaceAll ` +\n` $expr "\n" }}
{{- end }}
