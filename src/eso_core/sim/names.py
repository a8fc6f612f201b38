"""Which names, label keys and label values the API server accepts. Every function returns what is wrong, in the server's words."""

from __future__ import annotations

import re

LABEL_MAX = 63  # characters of a DNS label
SUBDOMAIN_MAX = 253  # characters of a DNS subdomain

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
    "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', "
    "regex used for validation is '[-._a-zA-Z0-9]+')"
)


def _length(value: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} bytes"] if len(value.encode("utf-8", "surrogatepass")) > limit else []


def subdomain(name: str, prefix: bool = False) -> list[str]:
    """The rule for most object names. ``prefix``: a generated suffix will follow, so a trailing dash is fine."""
    return _length(name, SUBDOMAIN_MAX) + ([] if _SUBDOMAIN.fullmatch(_masked(name) if prefix else name) else [_SUBDOMAIN_RULE])


def label(name: str, prefix: bool = False) -> list[str]:
    """The rule for names of namespaces."""
    return _length(name, LABEL_MAX) + ([] if _LABEL.fullmatch(_masked(name) if prefix else name) else [_LABEL_RULE])


def path_segment(name: str, prefix: bool = False) -> list[str]:
    """The least that every name must obey, and all that names of Events must."""
    out = [] if prefix or name not in (".", "..") else [f"may not be '{name}'"]
    return out + [f"may not contain '{character}'" for character in "/%" if character in name]


def _masked(name: str) -> str:
    return f"{name[:-2]}a" if len(name) > 1 and name.endswith("-") else name


def qualified(key: str) -> list[str]:
    """The rule for keys of labels and annotations, and for finalizers: an optional DNS subdomain, a slash, a name."""
    parts = key.split("/")
    out: list[str] = []
    if len(parts) > 2:
        rule = _QUALIFIED_RULE.removeprefix("name part ")
        return [f"a qualified name {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    if len(parts) == 2:
        prefix = parts[0]
        out = [f"prefix part {text}" for text in (subdomain(prefix) if prefix else ["must be non-empty"])]
    name = parts[-1]
    if not name:
        out.append("name part must be non-empty")
    out += [f"name part {text}" for text in _length(name, LABEL_MAX)]
    if not _QUALIFIED.fullmatch(name):
        out.append(_QUALIFIED_RULE)
    return out


def label_value(value: str) -> list[str]:
    """The rule for values of labels."""
    return _length(value, LABEL_MAX) + ([] if _VALUE.fullmatch(value) else [_VALUE_RULE])


def data_key(key: str) -> list[str]:
    """The rule for keys of Secrets and ConfigMaps: they become file names."""
    out = _length(key, SUBDOMAIN_MAX)
    if not _DATA_KEY.fullmatch(key):
        out.append(_KEY_RULE)
    if key in (".", ".."):
        out.append(f"must not be '{key}'")
    elif key.startswith(".."):
        out.append("must not start with '..'")
    return out
