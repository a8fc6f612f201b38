"""Kubernetes objects as frozen models: parsing, defaults, admission rules and CRDs.

The names here are the ones other packages use. CRD generation (``eso_core.api.crd``), schema application
(``eso_core.api.structural``) and admission (``eso_core.api.admission``) are imported where they are needed.
"""

from eso_core.api.external_secret import (
    DataEntry,
    DataFromEntry,
    ExternalSecret,
    ExternalSecretSpec,
    ExternalSecretStatus,
    Find,
    GeneratorRef,
    RemoteRef,
    Rewrite,
    SourceRef,
    Target,
    Template,
    TemplateFrom,
)
from eso_core.api.parse import FieldError, InvalidObject, dump, parse_external_secret, parse_store
from eso_core.api.store import ClusterSecretStore, SecretStore, Store, StoreSpec, StoreStatus
from eso_core.api.types import (
    CAProvider,
    Condition,
    LabelSelector,
    ObjectMeta,
    SecretKeySelector,
    ServiceAccountSelector,
    StoreRef,
)

__all__ = [
    "CAProvider",
    "ClusterSecretStore",
    "Condition",
    "DataEntry",
    "DataFromEntry",
    "ExternalSecret",
    "ExternalSecretSpec",
    "ExternalSecretStatus",
    "FieldError",
    "Find",
    "GeneratorRef",
    "InvalidObject",
    "LabelSelector",
    "ObjectMeta",
    "RemoteRef",
    "Rewrite",
    "SecretKeySelector",
    "SecretStore",
    "ServiceAccountSelector",
    "SourceRef",
    "Store",
    "StoreRef",
    "StoreSpec",
    "StoreStatus",
    "Target",
    "Template",
    "TemplateFrom",
    "dump",
    "parse_external_secret",
    "parse_store",
]
