import pytest

from stillmotion_local.failures import StackError
from stillmotion_local.vendor_access import read_vendor_settings


def test_without_settings_the_offline_vendors_answer() -> None:
    settings = read_vendor_settings({})
    assert settings.need_offline_server
    assert settings.are_all_local
    assert (settings.apiframe.api_key, settings.wavespeed.api_key) == ("afk_offline", "ws_offline")


def test_a_named_address_and_key_replace_the_offline_vendor() -> None:
    settings = read_vendor_settings({"WAVESPEED_BASE_URL": "https://api.example.com/", "WAVESPEED_API_KEY": "real"})
    assert settings.wavespeed.base_url == "https://api.example.com"
    assert settings.wavespeed.api_key == "real"
    assert settings.apiframe.is_offline
    assert not settings.are_all_local


@pytest.mark.parametrize("address", ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"])
def test_a_vendor_on_this_machine_is_local_and_needs_no_key(address: str) -> None:
    settings = read_vendor_settings({"APIFRAME_BASE_URL": address, "WAVESPEED_BASE_URL": address})
    assert settings.are_all_local
    assert not settings.need_offline_server


@pytest.mark.parametrize("address", ["api.example.com", "ftp://api.example.com", "https://"])
def test_an_address_that_is_none_is_refused_by_name(address: str) -> None:
    with pytest.raises(StackError, match="APIFRAME_BASE_URL"):
        read_vendor_settings({"APIFRAME_BASE_URL": address, "APIFRAME_API_KEY": "real"})


def test_a_real_vendor_without_a_key_is_refused_by_name() -> None:
    with pytest.raises(StackError, match="WAVESPEED_API_KEY is not"):
        read_vendor_settings({"WAVESPEED_BASE_URL": "https://api.example.com"})


def test_limits_are_taken_as_given() -> None:
    settings = read_vendor_settings({"APIFRAME_CONCURRENCY": "0", "WAVESPEED_PER_MINUTE": "10"})
    assert settings.limits == {"APIFRAME_CONCURRENCY": "0", "WAVESPEED_PER_MINUTE": "10"}


def test_a_limit_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(StackError, match="APIFRAME_PER_MINUTE"):
        read_vendor_settings({"APIFRAME_PER_MINUTE": "many"})
