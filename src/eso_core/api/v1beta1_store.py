"""SecretStore and ClusterSecretStore ``v1beta1``: what their schemas have differently from ``v1``, and two providers that are gone."""

from typing import Final

from pydantic import Field

from eso_core.api.schema import object_schema
from eso_core.api.types import Model, SecretKeySelector
from eso_core.api.v1beta1 import Older


class AlibabaSecretRef(Model):
    """An access key."""

    access_key_id_secret_ref: SecretKeySelector = Field(alias="accessKeyIDSecretRef")
    access_key_secret_secret_ref: SecretKeySelector


class AlibabaRrsa(Model):
    """A role assumed with a ServiceAccount token."""

    oidc_provider_arn: str
    oidc_token_file_path: str
    role_arn: str
    session_name: str


class AlibabaAuth(Model):
    """How to authenticate."""

    secret_ref: AlibabaSecretRef | None = None
    rrsa: AlibabaRrsa | None = None


class Alibaba(Model):
    """KMS of Alibaba Cloud in one region."""

    auth: AlibabaAuth
    region_id: str = Field(alias="regionID")


class Device42SecretRef(Model):
    """A Secret with user name and password."""

    credentials: SecretKeySelector | None = None


class Device42Auth(Model):
    """How to log in."""

    secret_ref: Device42SecretRef


class Device42(Model):
    """A Device42 appliance."""

    host: str
    auth: Device42Auth


_LATER_PROVIDERS: Final = (
    "barbican", "beyondtrustworkloadcredentials", "crd", "dvls", "nebiusmysterybox", "ngrok", "onepasswordSDK", "openBao", "ovh",
    "volcengine",
)  # fmt: skip

_LATER_FIELDS: Final = (
    "akeyless.authSecretRef.serviceAccountRef",
    "akeyless.ignoreCache",
    "aws.customSessionTags",
    "aws.sessionTagsPolicy",
    "azurekv.customCloudConfig",
    "azurekv.useAzureSDK",
    "conjur.auth.cert",
    "doppler.auth.oidcConfig",
    "fake.validationResult",
    "gcpsm.auth.workloadIdentityFederation",
    "gcpsm.secretVersionSelectionPolicy",
    "github.orgSecretVisibility",
    "ibm.auth.secretRef.iamEndpoint",
    "infisical.auth.awsAuthCredentials",
    "infisical.auth.azureAuthCredentials",
    "infisical.auth.gcpIamAuthCredentials",
    "infisical.auth.gcpIdTokenAuthCredentials",
    "infisical.auth.jwtAuthCredentials",
    "infisical.auth.kubernetesAuthCredentials",
    "infisical.auth.ldapAuthCredentials",
    "infisical.auth.ociAuthCredentials",
    "infisical.auth.tokenAuthCredentials",
    "infisical.caBundle",
    "infisical.caProvider",
    "infisical.secretsScope.organizationSlug",
    "keepersecurity.getByTitleFallback",
    "passbolt.caBundle",
    "passbolt.caProvider",
    "pulumi.auth",
    "secretserver.caBundle",
    "secretserver.caProvider",
    "secretserver.domain",
    "secretserver.token",
    "vault.auth.cert.path",
    "vault.auth.cert.vaultRole",
    "vault.auth.gcp",
    "vault.checkAndSet",
    "yandexcertificatemanager.fetching",
    "yandexlockbox.fetching",
)

_NO_RULES: Final = {"x-kubernetes-validations": None}
_ANY_LENGTH: Final = {"minLength": None}
_NONE_REQUIRED: Final = {"required": None}

STORE: Final = Older(
    without=frozenset(f"spec.provider.{path}" for path in (*_LATER_PROVIDERS, *_LATER_FIELDS)),
    changed={
        "spec.provider.aws.service": {"enum": ("SecretsManager", "ParameterStore")},
        "spec.provider.azurekv.environmentType": {"enum": ("PublicCloud", "USGovernmentCloud", "ChinaCloud", "GermanCloud")},
        "spec.provider.conjur.auth": {"minProperties": None, "maxProperties": None},
        "spec.provider.doppler.auth": {"required": ("secretRef",), **_NO_RULES},
        "spec.provider.kubernetes.auth.cert": _NONE_REQUIRED,
        "spec.provider.kubernetes.auth.token": _NONE_REQUIRED,
        "spec.provider.pulumi": {"required": ("accessToken", "environment", "organization", "project"), **_NO_RULES},
        "spec.provider.secretserver": {"required": ("password", "serverURL", "username"), **_NO_RULES},
        "spec.provider.secretserver.password": _NO_RULES,
        "spec.provider.secretserver.password.value": _ANY_LENGTH,
        "spec.provider.secretserver.username": _NO_RULES,
        "spec.provider.secretserver.username.value": _ANY_LENGTH,
        "spec.provider.webhook": {"required": ("result", "url")},
        "spec.refreshInterval": {"type": "integer", "anyOf": None, "x-kubernetes-int-or-string": None},
    },
    gone={"spec.provider": {"alibaba": object_schema(Alibaba), "device42": object_schema(Device42)}},
)
