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


def test_vendors_on_this_machine_have_no_limit_in_a_minute() -> None:
    parameters = template_parameters(read_vendor_settings({}), OFFLINE, API)
    assert (parameters["WavespeedPerMinute"], parameters["ApiframePerMinute"]) == ("0", "0")
    assert "WavespeedConcurrency" not in parameters


def test_a_real_vendor_is_asked_for_no_more_than_the_template_says() -> None:
    settings = read_vendor_settings({"WAVESPEED_BASE_URL": "https://api.example.com", "WAVESPEED_API_KEY": "real"})
    parameters = template_parameters(settings, OFFLINE, API)
    assert "WavespeedPerMinute" not in parameters
    assert parameters["ApiframePerMinute"] == "0"


def test_the_environment_sets_the_limits() -> None:
    told = {
        "WAVESPEED_CONCURRENCY": "7",
        "WAVESPEED_PER_MINUTE": "11",
        "APIFRAME_CONCURRENCY": "0",
        "APIFRAME_PER_MINUTE": "13",
    }
    parameters = template_parameters(read_vendor_settings(told), OFFLINE, API)
    assert parameters["WavespeedConcurrency"] == "7"
    assert parameters["WavespeedPerMinute"] == "11"
    assert parameters["ApiframeConcurrency"] == "0"
    assert parameters["ApiframePerMinute"] == "13"


def test_only_the_offline_wavespeed_is_surely_the_stacks_own() -> None:
    offline = template_parameters(read_vendor_settings({}), OFFLINE, API)
    named = template_parameters(read_vendor_settings({"WAVESPEED_BASE_URL": "http://127.0.0.1:2"}), OFFLINE, API)
    assert (offline["WavespeedAccountExclusive"], named["WavespeedAccountExclusive"]) == ("true", "false")


def test_every_parameter_is_one_of_the_template() -> None:
    template = (Path(__file__).parents[3] / "template.yaml").read_text(encoding="utf-8")
    for name in template_parameters(read_vendor_settings({}), OFFLINE, API):
        assert f"\n  {name}:\n    Type:" in template, name


def test_receivers_of_webhooks_on_this_machine_are_local_origins_where_the_environment_says_so() -> None:
    told = {"LOCAL_ORIGINS": "http://127.0.0.1:3000, http://localhost:8080"}
    parameters = template_parameters(read_vendor_settings({}), OFFLINE, API, told)
    assert parameters["LocalOrigins"] == f"http://127.0.0.1:3000,{OFFLINE},http://localhost:8080"
