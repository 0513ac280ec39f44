from pathlib import Path

from stillmotion_local.parameters import template_parameters
from stillmotion_local.vendor_access import read_vendor_settings

OFFLINE = "http://127.0.0.1:4577"
API = "http://127.0.0.1:4566/_aws/execute-api/stillmotion/$default"


def test_offline_vendors_are_called_on_this_machine_and_fetch_images_from_its_buckets() -> None:
    parameters = template_parameters(read_vendor_settings({}), OFFLINE, API)
    assert parameters["ApiframeBaseUrl"] == parameters["WavespeedBaseUrl"] == OFFLINE
    assert parameters["LocalOrigins"] == OFFLINE
    assert parameters["ImageTransfer"] == "signed_url"
    assert (parameters["Webhooks"], parameters["WebhookBaseUrl"]) == ("on", API)


def test_a_real_vendor_gets_images_uploaded_and_is_no_local_origin() -> None:
    settings = read_vendor_settings({"APIFRAME_BASE_URL": "https://api.example.com/v2", "APIFRAME_API_KEY": "real"})
    parameters = template_parameters(settings, OFFLINE, API)
    assert parameters["ApiframeBaseUrl"] == "https://api.example.com/v2"
    assert parameters["LocalOrigins"] == OFFLINE
    assert parameters["ImageTransfer"] == "upload"
    assert parameters["Webhooks"] == "off"


def test_each_local_vendor_is_a_local_origin_once() -> None:
    settings = read_vendor_settings(
        {"APIFRAME_BASE_URL": "http://127.0.0.1:1/v2", "WAVESPEED_BASE_URL": "http://127.0.0.1:2"}
    )
    assert template_parameters(settings, None, API)["LocalOrigins"] == "http://127.0.0.1:1,http://127.0.0.1:2"


def test_every_parameter_is_one_of_the_template() -> None:
    template = (Path(__file__).parents[3] / "template.yaml").read_text(encoding="utf-8")
    for name in template_parameters(read_vendor_settings({}), OFFLINE, API):
        assert f"\n  {name}:\n    Type:" in template, name
