"""``spec.provider.yandexlockbox``: secrets of Yandex Lockbox."""

from eso_core.api.providers._yandex import YandexSpec


class Spec(YandexSpec):
    """Secrets, by id or by name."""
