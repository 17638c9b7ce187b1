{{- define "codex.name" -}}
{{- default (ternary .Release.Name (printf "%s-codex" .Release.Name) (contains "codex" .Release.Name)) .Values.nameOverride | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "codex.labels" -}}
{{ include "codex.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "codex.selector" -}}
app.kubernetes.io/name: codex
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What both kinds of pods have: (dict "root" $ "settings" list "resources" dict "service" name). */}}
{{- define "codex.pod" -}}
{{- $root := .root -}}
{{- $namespace := $root.Release.Namespace -}}
{{- $names := list .service (printf "%s.%s" .service $namespace) (printf "%s.%s.svc" .service $namespace) (printf "%s.%s.svc.cluster.local" .service $namespace) -}}
automountServiceAccountToken: false
terminationGracePeriodSeconds: {{ add $root.Values.graceSeconds 15 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: codex
    image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args:
      - serve
      - server.host=0.0.0.0
      - server.grace_seconds={{ $root.Values.graceSeconds }}
      - server.allowed_hosts=[{{ join "," (concat $names $root.Values.hosts) }}]
      {{- range .settings }}
      - {{ . | quote }}
      {{- end }}
    {{- with $root.Values.secrets }}
    env:
      {{- range . }}
      - name: {{ .name }}_FILE
        value: /run/secrets/codex/{{ .name }}
      {{- end }}
    {{- end }}
    ports:
      - { name: http, containerPort: 7860 }
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
    resources: {{ toYaml .resources | nindent 6 }}
    # /healthz is 503 while a model loads, is changed, or Codex ends: then it gets no requests, but is not killed.
    startupProbe:
      httpGet: { path: /healthz, port: http }
      periodSeconds: 5
      failureThreshold: 120
    readinessProbe:
      httpGet: { path: /healthz, port: http }
      periodSeconds: 5
      timeoutSeconds: 5
    livenessProbe:
      tcpSocket: { port: http }
      periodSeconds: 20
      failureThreshold: 6
    lifecycle:
      # The endpoints of the service change meanwhile, so that no new request arrives after SIGTERM.
      preStop: { exec: { command: ["sleep", "5"] } }
    volumeMounts:
      - { name: home, mountPath: /data }
      - { name: tmp, mountPath: /tmp }
      {{- if $root.Values.secrets }}
      - { name: secrets, mountPath: /run/secrets/codex, readOnly: true }
      {{- end }}
{{- end -}}

{{/* A container that runs before Codex: (dict "root" $ "name" name "command" list "mounts" list). */}}
{{- define "codex.before" -}}
- name: {{ .name }}
  image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: {{ toJson .command }}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: { drop: [ALL] }
  volumeMounts:
    - { name: home, mountPath: /data }
    - { name: tmp, mountPath: /tmp }
    {{- range .mounts }}
    - { name: {{ . }}, mountPath: /{{ . }}, readOnly: true }
    {{- end }}
{{- end -}}

{{- define "codex.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with .Values.secrets }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret:
          name: {{ .secret }}
          items: [{ key: {{ .key | quote }}, path: {{ .name }} }]
      {{- end }}
{{- end }}
{{- end -}}
