from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

from envman.reproduction.certificate import self_signed


def test_a_certificate_is_for_its_names_and_fits_its_key(tmp_path: Path) -> None:
    certificate, key = self_signed(["shop.test", "localhost", "127.0.0.1"])
    made = x509.load_pem_x509_certificate(certificate.encode())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["shop.test", "localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days <= 398
    (tmp_path / "cert").write_text(certificate)
    (tmp_path / "key").write_text(key)
    # Raises where the two do not belong together.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    # Whoever is to trust it takes it as an authority.
    ssl.create_default_context(cadata=certificate)


def test_two_certificates_are_not_one() -> None:
    assert self_signed(["a"]) != self_signed(["a"])
