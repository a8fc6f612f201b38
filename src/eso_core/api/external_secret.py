"""ExternalSecret: which values to read from where, and the Secret to put them in."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from eso_core.api.types import (
    ONE_OF,
    Bool,
    Condition,
    Json,
    Kube,
    LocalObjectReference,
    Model,
    Name,
    NonEmpty,
    ObjectMeta,
    SecretKey,
    StoreRef,
    Strings,
    Time,
    blank,
    default,
)

ConversionStrategy: TypeAlias = Literal["Default", "Unicode"]
DecodingStrategy: TypeAlias = Literal["Auto", "Base64", "Base64URL", "None"]
MetadataPolicy: TypeAlias = Literal["None", "Fetch"]
NullBytePolicy: TypeAlias = Literal["Ignore", "Fail"]
RefreshPolicy: TypeAlias = Literal["CreatedOnce", "Periodic", "OnChange"]
CreationPolicy: TypeAlias = Literal["Owner", "Orphan", "Merge", "None", "CreateOrMerge"]
DeletionPolicy: TypeAlias = Literal["Delete", "Merge", "Retain"]
GeneratorKind: TypeAlias = Literal[
    "ACRAccessToken",
    "BeyondtrustWorkloadCredentialsDynamicSecret",
    "ClusterGenerator",
    "CloudsmithAccessToken",
    "ECRAuthorizationToken",
    "Fake",
    "GCRAccessToken",
    "GithubAccessToken",
    "GitlabDeployToken",
    "QuayAccessToken",
    "Password",
    "SSHKey",
    "STSSessionToken",
    "UUID",
    "VaultDynamicSecret",
    "Webhook",
    "Grafana",
    "MFA",
]
Schedule = Annotated[
    str,
    Kube(
        {
            "minLength": 1,
            "pattern": r"^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|@every [^\s]+.*|[^\s]+( [^\s]+){4})$",
        }
    ),
]


class RemoteRef(Model):
    """A value, or several, at the provider."""

    key: str
    property: str = ""
    version: str = ""
    metadata_policy: MetadataPolicy = "None"
    conversion_strategy: ConversionStrategy = "Default"
    decoding_strategy: DecodingStrategy = "None"
    null_byte_policy: NullBytePolicy = "Ignore"


class FindName(Model):
    """Matches names by regular expression."""

    regexp: str = ""


class Find(Model):
    """Selects remote secrets by name or tags."""

    path: str | None = None
    name: FindName | None = None
    tags: Strings = {}
    conversion_strategy: ConversionStrategy = "Default"
    decoding_strategy: DecodingStrategy = "None"
    null_byte_policy: NullBytePolicy = "Ignore"


class GeneratorRef(Model):
    """The generator that makes the values."""

    api_version: str = default("generators.external-secrets.io/v1alpha1")
    kind: GeneratorKind
    name: Name


class SourceRef(Model):
    """Another source than the default store."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    store_ref: StoreRef | None = None
    generator_ref: GeneratorRef | None = None


class DataEntry(Model):
    """One key of the target Secret and where its value comes from."""

    secret_key: SecretKey
    remote_ref: RemoteRef
    source_ref: SourceRef | None = None


class RewriteRegexp(Model):
    """Replaces what matches ``source`` in each key by ``target``."""

    source: str
    target: str


class RewriteTransform(Model):
    """Computes each key from a template."""

    template: str


class RewriteMerge(Model):
    """Merges the values of all keys into one map."""

    into: str = default("")
    conflict_policy: Literal["Ignore", "Error"] = default("Error")
    priority: tuple[str, ...] = ()
    priority_policy: Literal["IgnoreNotFound", "Strict"] = default("Strict")
    strategy: Literal["Extract", "JSON"] = default("Extract")


class Rewrite(Model):
    """One step that changes the keys of what was found."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    merge: RewriteMerge | None = None
    regexp: RewriteRegexp | None = None
    transform: RewriteTransform | None = None


class DataFromEntry(Model):
    """A source of several keys at once."""

    extract: RemoteRef | None = None
    find: Find | None = None
    rewrite: tuple[Rewrite, ...] = ()
    source_ref: SourceRef | None = None


class SyncWindow(Model):
    """A recurring span of time."""

    schedule: Schedule
    duration: str


class SyncWindows(Model):
    """When synchronisation is allowed or denied."""

    kind: Literal["allow", "deny"]
    windows: Annotated[tuple[SyncWindow, ...], Kube({"minItems": 1})]


class Manifest(Model):
    """The kind of a target that is not a Secret."""

    api_version: NonEmpty
    kind: NonEmpty


class TemplateMetadata(Model):
    """Metadata of the target."""

    annotations: Strings = {}
    labels: Strings = {}
    finalizers: tuple[str, ...] = ()


class TemplateItem(Model):
    """A key with a template."""

    key: SecretKey
    template_as: Literal["Values", "KeysAndValues"] = default("Values")


class TemplateSource(Model):
    """A ConfigMap or Secret with templates."""

    name: Name
    items: tuple[TemplateItem, ...]


class TemplateFrom(Model):
    """Templates kept elsewhere, or a literal one, and the part of the target they fill."""

    config_map: TemplateSource | None = None
    secret: TemplateSource | None = None
    literal: str | None = None
    target: str = default("Data")
    values_decoding_strategy: DecodingStrategy = "None"


class Template(Model):
    """The blueprint of the target."""

    type: str = ""
    engine_version: Literal["v2", "jinja2"] = default("v2")
    metadata: TemplateMetadata = blank(TemplateMetadata)
    merge_policy: Literal["Replace", "Merge"] = default("Replace")
    data: Strings = {}
    template_from: tuple[TemplateFrom, ...] = ()


class Target(Model):
    """The object to write, by default a Secret named like the ExternalSecret."""

    name: Name = ""
    creation_policy: CreationPolicy = default("Owner")
    deletion_policy: DeletionPolicy = default("Retain")
    immutable: Bool = False
    manifest: Manifest | None = None
    template: Template | None = None


class ExternalSecretSpec(Model):
    """What is wanted."""

    secret_store_ref: StoreRef = blank(StoreRef)
    target: Annotated[Target, Kube({"default": {"creationPolicy": "Owner", "deletionPolicy": "Retain"}})] = blank(Target)
    refresh_policy: RefreshPolicy = "Periodic"
    refresh_interval: str = default("1h0m0s")
    data: tuple[DataEntry, ...] = ()
    data_from: tuple[DataFromEntry, ...] = ()
    sync_windows: SyncWindows | None = None


class ExternalSecretCondition(Condition):
    """One observed aspect of an ExternalSecret's state."""

    type: Literal["Ready", "Deleted"]


class ExternalSecretStatus(Model):
    """What was observed."""

    refresh_time: Annotated[Time | None, Kube({"nullable": True})] = None
    synced_resource_version: str = ""
    conditions: tuple[ExternalSecretCondition, ...] = ()
    binding: LocalObjectReference | None = None


class ExternalSecret(Model):
    """Keeps a Secret equal to values held by a provider."""

    api_version: Literal["external-secrets.io/v1"] = "external-secrets.io/v1"
    kind: Literal["ExternalSecret"] = "ExternalSecret"
    metadata: ObjectMeta = blank(ObjectMeta)
    spec: ExternalSecretSpec = blank(ExternalSecretSpec)
    status: ExternalSecretStatus = blank(ExternalSecretStatus)
