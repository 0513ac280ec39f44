"""The functions' variables: what the template sets is what the code reads."""

import msgspec
import pytest
from tests.unit.template.document import Template

from stillmotion import settings
from stillmotion.domain.routing import PriceTable
from stillmotion.domain.waiting import WaitPolicy
from stillmotion.services.dispatch import DispatchSettings
from stillmotion.services.finalize import FetchPolicy
from stillmotion.services.sweep import SweepSettings

GROUPS: dict[str, list[type[msgspec.Struct]]] = {
    "submit": [settings.TableSettings, settings.SubmitSettings, settings.WorkflowSettings, PriceTable],
    "read": [settings.TableSettings],
    "dispatch": [settings.TableSettings, settings.VendorSettings, DispatchSettings, PriceTable, WaitPolicy],
    "check": [settings.TableSettings, settings.VendorSettings, PriceTable, WaitPolicy],
    "finalize": [settings.TableSettings, settings.FinalizeSettings, FetchPolicy],
    "webhook": [settings.TableSettings, settings.WorkflowSettings, settings.VendorSettings],
    "fail": [settings.TableSettings],
    "sweep": [settings.TableSettings, settings.WorkflowSettings, SweepSettings],
    "announce": [settings.AnnounceSettings],
}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}


@pytest.mark.parametrize("function", GROUPS)
def test_a_function_has_the_variables_that_it_reads_and_no_others(template: Template, function: str) -> None:
    read = {field.name.upper() for group in GROUPS[function] for field in msgspec.structs.fields(group)}

    assert template.environment(function).keys() - POWERTOOLS == read


def test_every_function_has_its_groups_of_settings(template: Template) -> None:
    assert template.functions.keys() == GROUPS.keys()


@pytest.mark.parametrize("group", [PriceTable, WaitPolicy, DispatchSettings, settings.VendorSettings, FetchPolicy])
def test_defaults_of_the_template_are_those_of_the_code(template: Template, group: type[msgspec.Struct]) -> None:
    of_all = {**template.environment("dispatch"), **template.environment("finalize")}
    values = {
        name: str(template.parameters[value["Ref"]]["Default"])
        for name, value in of_all.items()
        if isinstance(value, dict) and value.get("Ref") in template.parameters
    }
    required = {"VENDOR_SECRET_ID": "secret"}

    assert settings.load(group, values | required) == settings.load(group, required)


def test_dispatch_knows_how_long_it_may_live(template: Template) -> None:
    timeout_seconds = template.functions["dispatch"]["Timeout"]

    assert template.environment("dispatch")["DISPATCH_TIMEOUT_SECONDS"] == str(timeout_seconds)
