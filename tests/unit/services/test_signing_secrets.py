"""Every tenant has a secret of its own, which nobody stores."""

import base64

from tests.deliveries import ROOT

from stillmotion.services.webhooks.signing_secrets import SigningSecrets, derived


def test_a_secret_has_the_form_of_standard_webhooks() -> None:
    secret = derived(ROOT, "ada")

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


def test_a_tenants_secret_is_always_the_same() -> None:
    # A change of this would make every receiver refuse what comes.
    assert derived(ROOT, "ada") == "whsec_Pvxvy9D0mQTksqjpMM8ws6daQbIow5a9S2ARDPLGZxY="


def test_no_two_tenants_or_roots_share_a_secret() -> None:
    assert len({derived(root, tenant) for root in (ROOT, ROOT + "2") for tenant in ("ada", "bob", "")}) == 6


def test_while_the_root_is_changed_there_are_two_the_current_first() -> None:
    secrets = SigningSecrets(lambda: ("new root", "old root"))

    assert secrets("ada") == (derived("new root", "ada"), derived("old root", "ada"))
