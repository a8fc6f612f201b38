"""Label selectors (Kubernetes ``metav1.LabelSelector``): every rule must hold, and an empty selector holds for everything."""

from __future__ import annotations

from collections.abc import Mapping

from eso_core.api import LabelSelector


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether ``labels`` match. An operator that Kubernetes does not know matches nothing."""
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    return all(_holds(rule.key, rule.operator, rule.values, labels) for rule in selector.match_expressions)


def _holds(key: str, operator: str, values: tuple[str, ...], labels: Mapping[str, str]) -> bool:
    match operator:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False
