"""The admission rules of ExternalSecrets that a schema cannot say. Texts are the reference's.

The two template rules (:func:`template_errors`) hold at run time as well: no webhook needs to be installed.
"""

from collections.abc import Callable, Iterator
from typing import Final

from eso_core.api.external_secret import DataFromEntry, ExternalSecret, ExternalSecretSpec, Manifest, Target, Template
from eso_core.api.parse import FieldError

SERVICE_ACCOUNT_TOKEN: Final = "kubernetes.io/service-account-token"
SERVICE_ACCOUNT_NAME: Final = "kubernetes.io/service-account.name"
BOOTSTRAP_TOKEN: Final = "bootstrap.kubernetes.io/token"
NOT_OWNING: Final = frozenset({"Merge", "None", "CreateOrMerge"})
SECRET_PARTS: Final = frozenset({"", "data", "annotations", "labels"})

Rule = Callable[[ExternalSecretSpec], Iterator[FieldError]]


def admission_errors(es: ExternalSecret) -> tuple[FieldError, ...]:
    """Every rule that `es` breaks, in the reference's order."""
    return tuple(error for rule in RULES for error in rule(es.spec))


def template_errors(target: Target) -> tuple[FieldError, ...]:
    """What the template of `target` may not do: make tokens, or reach other fields of a Secret."""
    if target.template is None:
        return ()
    return (*_privileged(target.template), *(_foreign_parts(target.template) if is_secret(target.manifest) else ()))


def is_secret(manifest: Manifest | None) -> bool:
    """Whether a target with this manifest is a core Secret."""
    return manifest is None or (manifest.api_version, manifest.kind) == ("v1", "Secret")


def _policies(spec: ExternalSecretSpec) -> Iterator[FieldError]:
    creation, deletion = spec.target.creation_policy, spec.target.deletion_policy
    if deletion == "Delete" and creation in NOT_OWNING:
        yield FieldError(
            "spec.target.deletionPolicy",
            "deletionPolicy=Delete must not be used when the controller doesn't own the secret. Please set creationPolicy=Owner",
        )
    if deletion == "Merge" and creation == "None":
        yield FieldError(
            "spec.target.deletionPolicy",
            "deletionPolicy=Merge must not be used with creationPolicy=None. There is no Secret to merge with",
        )


def _some_data(spec: ExternalSecretSpec) -> Iterator[FieldError]:
    if not spec.data and not spec.data_from:
        yield FieldError("spec", "either data or dataFrom should be specified")


def _template(spec: ExternalSecretSpec) -> Iterator[FieldError]:
    yield from template_errors(spec.target)


def _privileged(template: Template) -> Iterator[FieldError]:
    """At most one error."""
    path, kind = "spec.target.template.type", f'template.type="{template.type}"'
    if template.type == BOOTSTRAP_TOKEN:
        yield FieldError(path, f"{kind} is not allowed")
    elif template.type == SERVICE_ACCOUNT_TOKEN:
        if SERVICE_ACCOUNT_NAME in template.metadata.annotations:
            yield FieldError(path, f'{kind} with annotation "{SERVICE_ACCOUNT_NAME}" is not allowed')
        elif any(_folded(source.target) == "annotations" for source in template.template_from):
            yield FieldError(path, f'{kind} with templateFrom target="Annotations" is not allowed')


def _foreign_parts(template: Template) -> Iterator[FieldError]:
    for index, source in enumerate(template.template_from):
        if _folded(source.target) not in SECRET_PARTS:
            yield FieldError(
                f"spec.target.template.templateFrom[{index}].target",
                f'templateFrom target="{source.target}" is not allowed when targeting a Secret, '
                'must be one of "Data", "Annotations" or "Labels"',
            )


def _folded(text: str) -> str:
    """`text` for a comparison under Unicode simple case folding."""
    return "".join(folded if len(folded := char.casefold()) == 1 else char for char in text)


def _sources(spec: ExternalSecretSpec) -> Iterator[FieldError]:
    for index, entry in enumerate(spec.data_from):
        for message in _source_faults(entry):
            yield FieldError(f"spec.dataFrom[{index}]", message)


def _source_faults(entry: DataFromEntry) -> Iterator[str]:
    source = entry.source_ref
    generated = source is not None and source.generator_ref is not None
    if sum((entry.find is not None, entry.extract is not None, generated)) > 1:
        yield "extract, find, or generatorRef cannot be set at the same time"
    if entry.find is None and entry.extract is None and source is None:
        yield "either extract, find, or sourceRef must be set to dataFrom"
    if source is not None and source.generator_ref is None and source.store_ref is None:
        yield "generatorRef or storeRef must be set when using sourceRef in dataFrom"


def _duplicates(spec: ExternalSecretSpec) -> Iterator[FieldError]:
    """The same key twice: whether one value wins is then a matter of order. Checked under the default policy only."""
    if spec.target.deletion_policy != "Retain":
        return
    seen: set[str] = set()
    for index, entry in enumerate(spec.data):
        if entry.secret_key in seen:
            yield FieldError(f"spec.data[{index}].secretKey", f"duplicate secretKey found: {entry.secret_key}")
        seen.add(entry.secret_key)


RULES: Final[tuple[Rule, ...]] = (_policies, _some_data, _template, _sources, _duplicates)
