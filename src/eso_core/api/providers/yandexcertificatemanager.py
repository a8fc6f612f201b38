"""``spec.provider.yandexcertificatemanager``: certificates of Yandex Certificate Manager."""

from eso_core.api.providers._yandex import YandexSpec


class Spec(YandexSpec):
    """Certificates, by id or by name."""
