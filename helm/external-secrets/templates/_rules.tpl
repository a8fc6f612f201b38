{{- /*
What the operator may do: one role per concern, each with its reason. A concern without rules yields no role.

Where the API cannot be narrower:
- create, list and watch know no object names, and the names of Secrets, ConfigMaps and service accounts are the user's choice.
- With scopedRBAC every role lies in one namespace; cluster-scoped kinds are left out, since a Role cannot grant them.
- update and patch on the main resource are different rights: finalizers are written with patch, so update is not granted.

Each template takes $ and yields a list of rules.
*/}}

{{- define "external-secrets.concerns" -}}
controller,secrets,sources,tokens,events,cluster-externalsecrets,push,generators,targets,metrics-auth
{{- end }}

{{- /* Own kinds: read them, write their status, keep their finalizers. */}}
{{- define "external-secrets.rules.controller" -}}
{{- $kinds := list "externalsecrets" "secretstores" }}
{{- if and .Values.processClusterStore (not .Values.scopedRBAC) }}
{{- $kinds = append $kinds "clustersecretstores" }}
{{- end }}
{{- include "external-secrets.own" (list . $kinds) }}
{{- end }}

{{- /* Targets, and the credentials that stores refer to. */}}
{{- define "external-secrets.rules.secrets" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update, patch, delete]
{{- end }}

{{- /* Templates and CAs in ConfigMaps, labels of namespaces for store conditions, service accounts that stores refer to. */}}
{{- define "external-secrets.rules.sources" -}}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get]
- apiGroups: [""]
  resources: [namespaces]
  {{- if .Values.scopedRBAC }}
  # In a Role: its own namespace.
  verbs: [get]
  {{- else }}
  verbs: [get, list, watch]
  {{- end }}
{{- end }}

{{- /* Tokens of the service accounts that stores refer to. By name only the user can grant it: rbac.serviceAccountTokenCreate=false. */}}
{{- define "external-secrets.rules.tokens" -}}
{{- if .Values.rbac.serviceAccountTokenCreate -}}
- apiGroups: [""]
  resources: [serviceaccounts/token]
  verbs: [create]
{{- end }}
{{- end }}

{{- define "external-secrets.rules.events" -}}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- /* ClusterExternalSecrets own ExternalSecrets, and hold a namespace until these are gone. */}}
{{- define "external-secrets.rules.cluster-externalsecrets" -}}
{{- if and .Values.processClusterExternalSecret (not .Values.scopedRBAC) }}
{{- include "external-secrets.own" (list . (list "clusterexternalsecrets")) }}
- apiGroups: [external-secrets.io]
  resources: [externalsecrets]
  verbs: [create, update, delete]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [patch]
{{- end }}
{{- end }}

{{- /* PushSecrets; ClusterPushSecrets own them. */}}
{{- define "external-secrets.rules.push" -}}
{{- if .Values.processPushSecret }}
{{- $cluster := and .Values.processClusterPushSecret (not .Values.scopedRBAC) }}
{{- $kinds := list "pushsecrets" }}
{{- if $cluster }}
{{- $kinds = append $kinds "clusterpushsecrets" }}
{{- end }}
{{- include "external-secrets.own" (list . $kinds) }}
{{- if $cluster }}
- apiGroups: [external-secrets.io]
  resources: [pushsecrets]
  verbs: [create, update, delete]
{{- end }}
{{- end }}
{{- end }}

{{- /* Generators are read; their state is kept. It is deleted object by object, each with a precondition: no deletecollection. */}}
{{- define "external-secrets.rules.generators" -}}
- apiGroups: [generators.external-secrets.io]
  resources:
    {{- include "external-secrets.generators" . | nindent 4 }}
  verbs: [get, list, watch]
- apiGroups: [generators.external-secrets.io]
  resources: [generatorstates]
  verbs: [get, list, watch, create, update, patch, delete]
{{- end }}

{{- /* Targets other than Secrets. */}}
{{- define "external-secrets.rules.targets" -}}
{{- if .Values.genericTargets.enabled -}}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, update, patch, delete]
{{- range .Values.genericTargets.resources }}
- apiGroups: [{{ .apiGroup | quote }}]
  resources: {{ toJson .resources }}
  verbs: {{ toJson .verbs }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Callers of the metrics endpoint are checked by the API server. Both kinds are cluster-scoped: see systemAuthDelegator. */}}
{{- define "external-secrets.rules.metrics-auth" -}}
{{- if and .Values.metrics.listen.auth.enabled (not .Values.scopedRBAC) -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}
{{- end }}

{{- /* list $ kinds: read, finalizers by patch, status, and owner references that block deletion. */}}
{{- define "external-secrets.own" -}}
{{- $ := index . 0 }}
{{- $kinds := index . 1 }}
- apiGroups: [external-secrets.io]
  resources: {{ toJson $kinds }}
  verbs: [get, list, watch, patch]
- apiGroups: [external-secrets.io]
  resources:
    {{- range $kinds }}
    - {{ . }}/status
    {{- end }}
  verbs: [get, update, patch]
{{- if $.Values.openshiftFinalizers }}
- apiGroups: [external-secrets.io]
  resources:
    {{- range $kinds }}
    - {{ . }}/finalizers
    {{- end }}
  verbs: [update]
{{- end }}
{{- end }}

{{- /* Kinds of external-secrets.io that users see, as the switches leave them. */}}
{{- define "external-secrets.userKinds" -}}
- externalsecrets
- secretstores
{{- if .Values.processPushSecret }}
- pushsecrets
{{- end }}
{{- if not .Values.scopedRBAC }}
{{- if .Values.processClusterStore }}
- clustersecretstores
{{- end }}
{{- if .Values.processClusterExternalSecret }}
- clusterexternalsecrets
{{- end }}
{{- if .Values.processClusterPushSecret }}
- clusterpushsecrets
{{- end }}
{{- end }}
{{- end }}

{{- define "external-secrets.generators" -}}
- acraccesstokens
- beyondtrustworkloadcredentialsdynamicsecrets
- cloudsmithaccesstokens
{{- if and .Values.processClusterGenerator (not .Values.scopedRBAC) }}
- clustergenerators
{{- end }}
- ecrauthorizationtokens
- fakes
- gcraccesstokens
- githubaccesstokens
- gitlabdeploytokens
- grafanas
- mfas
- passwords
- quayaccesstokens
- sshkeys
- stssessiontokens
- uuids
- vaultdynamicsecrets
- webhooks
{{- end }}

{{- /* list $ "suffix" labels: apiVersion to metadata of a ClusterRole, or of a Role in the scope. */}}
{{- define "external-secrets.role" -}}
{{- $ := index . 0 }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $.Values.scopedRBAC | ternary "Role" "ClusterRole" }}
metadata:
  name: {{ include "external-secrets.componentName" (list $ (index . 1)) }}
  {{- if $.Values.scopedRBAC }}
  namespace: {{ include "external-secrets.scope" $ }}
  {{- end }}
  labels:
    {{- include "external-secrets.labelsWith" (list $ (index . 2)) | nindent 4 }}
{{- end }}

{{- /* Names of the definitions a release of this chart or of the reference may hold, one a line. */}}
{{- define "external-secrets.definitions" -}}
{{- range list "clusterexternalsecrets" "clusterpushsecrets" "clustersecretstores" "externalsecrets" "pushsecrets" "secretstores" }}
{{ . }}.external-secrets.io
{{- end }}
{{- $all := dict "Values" (dict "processClusterGenerator" true "scopedRBAC" false) }}
{{- range append (include "external-secrets.generators" $all | fromYamlArray) "generatorstates" }}
{{ . }}.generators.external-secrets.io
{{- end }}
{{- end }}
