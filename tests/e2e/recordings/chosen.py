"""The scenarios of the test run: every decision that meets the API server, and each area of reading once or twice."""

from __future__ import annotations

GROUPS: dict[str, str] = {
    # each creationPolicy with an absent and with a foreign Secret; drift; renames; changes of policy; immutable
    "creation": """
        absent-createormerge absent-merge absent-orphan absent-owner
        unmanaged-merge unmanaged-none unmanaged-orphan unmanaged-owner
        owned-by-other-merge owned-by-other-owner owned-by-foreign-kind
        drift-merge drift-none drift-orphan drift-owner owner-ref-removed
        renamed-orphan takeover-by-other-name readopt-after-orphan change-none-to-owner change-owner-to-orphan
        keys-dropped two-merge-same-key switch-store immutable-existing existing-other-type
    """,
    # each deletionPolicy with values that never were and that vanish; the object's own deletion
    "deletion": """
        missing-at-start-delete missing-at-start-merge missing-at-start-retain partly-missing-merge
        one-removed-delete delete-with-orphan es-deleted-delete es-deleted-merge-keys es-deleted-retain
        finalizer-removed-by-user store-deleted value-removed-retain
    """,
    "refresh": "created-once error-then-fixed interval-short interval-zero status-cleared window-deny-active",
    "metadata": "foreign-metadata-kept long-names max-name propagation reserved-labels",
    # rewrites, conditions of cluster stores, one or two of each way to read
    "basic": """
        data-single css-namespaces-deny css-regex-allow css-selector-deny cluster-store-not-found store-becomes-invalid
        rewrite-transform rewrite-merge rewrite-merge-json rewrite-collision rewrite-illegal find-name decoding-map mixed-precedence
    """,
    "provider": "css-auth-referent kube-find-name kube-serviceaccount vault-data vault-find-path vault-deleted",
    # every source of templates, their errors, and keys that come and go
    "template": """
        binary-values from-configmap-kv from-configmap-missing from-secret literal-labels literal-invalid-yaml
        merge-existing missing-key precedence syntax-error template-key-removed tls-invalid type-change
    """,
    "generic": """
        gt-configmap gt-configmap-delete gt-configmap-merge gt-disabled gt-orphan gt-secret-kind gt-unknown-kind
    """,
    # the operator is away, changes happen, it comes back
    "swap": "drift-while-down",
    "validation": "val-externalsecret-refresh val-externalsecret-refs",
}
CHOSEN = tuple(f"{group}/{name}" for group, names in GROUPS.items() for name in names.split())
