{{- /* Names. Each is cut to the 63 characters of a DNS label, and keeps its suffix. */}}
{{- define "external-secrets.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "external-secrets.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (default .Chart.Name .Values.nameOverride) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* list $ "-suffix" */}}
{{- define "external-secrets.componentName" -}}
{{- $suffix := index . 1 }}
{{- printf "%s%s" (include "external-secrets.fullname" (index . 0) | trunc (int (sub 63 (len $suffix))) | trimSuffix "-") $suffix }}
{{- end }}

{{- define "external-secrets.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- /* The namespace that is watched and where scoped rights lie. */}}
{{- define "external-secrets.scope" -}}
{{- .Values.scopedNamespace | default .Release.Namespace }}
{{- end }}

{{- define "external-secrets.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "external-secrets.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- /* Labels. The selector's come last: an immutable field must not change with somebody's label. */}}
{{- define "external-secrets.selectorLabels" -}}
app.kubernetes.io/name: {{ include "external-secrets.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "external-secrets.labels" -}}
{{- include "external-secrets.labelsWith" (list . dict) }}
{{- end }}

{{- /* list $ labels */}}
{{- define "external-secrets.labelsWith" -}}
{{- $ := index . 0 }}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" $.Chart.AppVersion
  "app.kubernetes.io/managed-by" $.Release.Service }}
{{- $selector := include "external-secrets.selectorLabels" $ | fromYaml }}
{{- mergeOverwrite $own (deepCopy $.Values.commonLabels) (deepCopy (index . 1)) $selector | toYaml }}
{{- end }}

{{- define "external-secrets.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.flavour }}
{{- $tag = printf "%s-%s" $tag . }}
{{- end }}
{{- printf "%s:%s" (.Values.global.repository | default .Values.image.repository) $tag }}
{{- end }}

{{- /* list $ securityContext: what is set, without the switch and without what OpenShift assigns itself. */}}
{{- define "external-secrets.securityContext" -}}
{{- $ := index . 0 }}
{{- $context := index . 1 }}
{{- $adapt := $.Values.global.compatibility.openshift.adaptSecurityContext }}
{{- if or (eq $adapt "force") (and (eq $adapt "auto") ($.Capabilities.APIVersions.Has "security.openshift.io/v1")) }}
{{- $context = omit $context "fsGroup" "runAsUser" "runAsGroup" }}
{{- if not $context.seLinuxOptions }}
{{- $context = omit $context "seLinuxOptions" }}
{{- end }}
{{- end }}
{{- if $context.enabled }}
{{- omit $context "enabled" | toYaml }}
{{- end }}
{{- end }}

{{- /* "true" where a ServiceMonitor is wanted and its kind is served. */}}
{{- define "external-secrets.serviceMonitor" -}}
{{- $served := .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" }}
{{- if .Values.serviceMonitor.enabled }}
{{- if or $served (eq .Values.serviceMonitor.renderMode "alwaysRender") }}
{{- true }}
{{- else if eq .Values.serviceMonitor.renderMode "failIfMissing" }}
{{- fail "serviceMonitor.renderMode is failIfMissing and the cluster does not serve monitoring.coreos.com/v1/ServiceMonitor" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The Lease, as the flags below name it. */}}
{{- define "external-secrets.lease" -}}
{{- get .Values.extraArgs "leader-election-id" | default .Values.leaderElectionID | default "external-secrets-controller" }}
{{- end }}

{{- /* Port of the health server: the liveness probe's number, or spec.port where that is a name. */}}
{{- define "external-secrets.livePort" -}}
{{- $port := .Values.livenessProbe.spec.httpGet.port }}
{{- kindIs "string" $port | ternary .Values.livenessProbe.spec.port $port | int64 }}
{{- end }}

{{- /* Flags, one a line. Order as in the reference: a flag of extraArgs beats those above it. */}}
{{- define "external-secrets.flags" -}}
{{- with .Values }}
{{- if .leaderElect }}
--enable-leader-election=true
{{- end }}
{{- with .leaderElectionID }}
--leader-election-id={{ . }}
{{- end }}
{{- with .leaderElectionLeaseDuration }}
--leader-election-lease-duration={{ . }}
{{- end }}
{{- with .leaderElectionRenewDeadline }}
--leader-election-renew-deadline={{ . }}
{{- end }}
{{- with .leaderElectionRetryPeriod }}
--leader-election-retry-period={{ . }}
{{- end }}
{{- if or .scopedNamespace .scopedRBAC }}
--namespace={{ include "external-secrets.scope" $ }}
{{- end }}
{{- if or .scopedRBAC (not .processClusterStore) }}
--enable-cluster-store-reconciler=false
{{- end }}
{{- if or .scopedRBAC (not .processClusterExternalSecret) }}
--enable-cluster-external-secret-reconciler=false
{{- end }}
{{- if or .scopedRBAC (not .processClusterPushSecret) }}
--enable-cluster-push-secret-reconciler=false
{{- end }}
{{- if not .processPushSecret }}
--enable-push-secret-reconciler=false
{{- end }}
{{- if not .processSecretStore }}
--enable-secret-store-reconciler=false
{{- end }}
{{- with .storeRequeueInterval }}
--store-requeue-interval={{ . }}
{{- end }}
{{- with .controllerClass }}
--controller-class={{ . }}
{{- end }}
{{- if .extendedMetricLabels }}
--enable-extended-metric-labels=true
{{- end }}
{{- if .enableHTTP2 }}
--enable-http2=true
{{- end }}
{{- if .vault.enableTokenCache }}
--enable-vault-token-cache=true
{{- with .vault.tokenCacheSize }}
--vault-token-cache-size={{ int64 . }}
{{- end }}
{{- end }}
{{- with .concurrent }}
--concurrent={{ int64 . }}
{{- end }}
{{- if .genericTargets.enabled }}
--unsafe-allow-generic-targets=true
{{- end }}
{{- range $name, $value := .extraArgs }}
{{- if or (kindIs "invalid" $value) (eq (toString $value) "") }}
--{{ $name }}
{{- else if kindIs "string" $value }}
--{{ $name }}={{ $value }}
{{- else }}
--{{ $name }}={{ toJson $value }}
{{- end }}
{{- end }}
--metrics-addr=:{{ int64 .metrics.listen.port }}
--loglevel={{ .log.level }}
--zap-time-encoding={{ .log.timeEncoding }}
{{- if or .livenessProbe.enabled .readinessProbe.enabled }}
--live-addr={{ .livenessProbe.spec.address }}:{{ include "external-secrets.livePort" $ }}
{{- end }}
{{- with .metrics.listen.secure }}
{{- if .enabled }}
--metrics-secure=true
--metrics-cert-dir={{ .certDir }}
--metrics-cert-name={{ base .certFile }}
--metrics-key-name={{ base .keyFile }}
{{- end }}
{{- end }}
{{- if .metrics.listen.auth.enabled }}
--metrics-auth=true
{{- end }}
{{- end }}
{{- end }}

{{- /* Values that were set and that this version does not act on, one a line. */}}
{{- define "external-secrets.noEffect" -}}
{{- with .Values }}
{{- if .webhook.create }}
webhook.create: there is no validating webhook; the rules are checked when an object is processed.
{{- end }}
{{- if .certController.create }}
certController.create: there is no webhook that needs a certificate.
{{- end }}
{{- if .crds.conversion.enabled }}
crds.conversion.enabled: there is nothing to convert.
{{- end }}
{{- if .grafanaDashboard.enabled }}
grafanaDashboard.enabled: there is no dashboard.
{{- end }}
{{- if index . "bitwarden-sdk-server" "enabled" }}
bitwarden-sdk-server.enabled: the sub-chart is not included.
{{- end }}
{{- end }}
{{- end }}
