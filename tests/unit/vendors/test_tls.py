"""The certificate authorities are read when they are needed, and once."""

from stillmotion.egress.tls import distrust, trust, trust_for


def test_the_authorities_are_read_once() -> None:
    assert trust() is trust()
    assert trust_for("https://a.example") is trust()
    assert len(trust().get_ca_certs()) > 50


def test_a_client_of_plain_http_trusts_nobody() -> None:
    assert trust_for("http://127.0.0.1:4566") is distrust()
    assert distrust().get_ca_certs() == []
