"""The functions' variables: what the template sets is what the code reads."""

import msgspec
import pytest
from tests.unit.template.document import Template

from stillmotion import settings
from stillmotion.dialects.native.views import View
from stillmotion.domain.routing import PriceTable
from stillmotion.domain.waiting import WaitPolicy
from stillmotion.services.delivery.finalize import FetchPolicy
from stillmotion.services.dispatch.dispatch import DispatchSettings
from stillmotion.services.dispatch.governor import GovernorSettings
from stillmotion.services.dispatch.vendor_choice import Patience
from stillmotion.services.dispatch.vendor_orders import VendorOrderSettings
from stillmotion.services.operations.dead_letters import DeadLetterSettings
from stillmotion.services.operations.interventions import InterventionSettings
from stillmotion.services.tracking.reconcile import ReconcileSettings
from stillmotion.services.tracking.sweep import SweepSettings

GROUPS: dict[str, list[type[msgspec.Struct]]] = {
    "submit": [
        settings.TableSettings,
        settings.SubmitSettings,
        settings.ApiSettings,
        settings.WorkflowSettings,
        settings.VendorSettings,
        settings.BudgetSettings,
        VendorOrderSettings,
        PriceTable,
        View,
    ],
    "read": [
        settings.TableSettings,
        settings.ApiSettings,
        settings.BudgetSettings,
        PriceTable,
        View,
    ],
    "dispatch": [
        settings.TableSettings,
        settings.VendorSettings,
        settings.BudgetSettings,
        GovernorSettings,
        DispatchSettings,
        VendorOrderSettings,
        Patience,
        PriceTable,
        WaitPolicy,
    ],
    "check": [settings.TableSettings, settings.VendorSettings, GovernorSettings, PriceTable, WaitPolicy],
    "finalize": [settings.TableSettings, settings.FinalizeSettings, FetchPolicy],
    "webhook": [settings.TableSettings, settings.WorkflowSettings, settings.VendorSettings],
    "operate": [
        settings.TableSettings,
        settings.WorkflowSettings,
        settings.VendorSettings,
        settings.AnnounceSettings,
        DeadLetterSettings,
        GovernorSettings,
        InterventionSettings,
        PriceTable,
        View,
        settings.OutboundSettings,
        settings.SigningSettings,
    ],
    "fail": [settings.TableSettings],
    "sweep": [
        settings.TableSettings,
        settings.WorkflowSettings,
        settings.VendorSettings,
        GovernorSettings,
        ReconcileSettings,
        SweepSettings,
    ],
    "announce": [settings.TableSettings, settings.AnnounceSettings, settings.OutboundSettings],
    "deliver": [
        settings.TableSettings,
        settings.OutboundSettings,
        settings.SigningSettings,
        settings.DeliverSettings,
        settings.ApiSettings,
        PriceTable,
    ],
}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}


@pytest.mark.parametrize("function", GROUPS)
def test_a_function_has_the_variables_that_it_reads_and_no_others(template: Template, function: str) -> None:
    read = {field.name.upper() for group in GROUPS[function] for field in msgspec.structs.fields(group)}

    assert template.environment(function).keys() - POWERTOOLS == read


def test_every_function_has_its_groups_of_settings(template: Template) -> None:
    assert template.functions.keys() == GROUPS.keys()


@pytest.mark.parametrize(
    "group",
    [
        PriceTable,
        WaitPolicy,
        DispatchSettings,
        VendorOrderSettings,
        settings.BudgetSettings,
        settings.VendorSettings,
        FetchPolicy,
        GovernorSettings,
        ReconcileSettings,
    ],
)
def test_defaults_of_the_template_are_those_of_the_code(template: Template, group: type[msgspec.Struct]) -> None:
    of_all = {**template.environment("dispatch"), **template.environment("finalize"), **template.environment("sweep")}
    values = {
        name: str(template.parameters[value["Ref"]]["Default"])
        for name, value in of_all.items()
        if isinstance(value, dict) and value.get("Ref") in template.parameters
    }
    required = {"VENDOR_SECRET_ID": "secret"}

    assert settings.load(group, values | required) == settings.load(group, required)


@pytest.mark.parametrize("function", ["dispatch", "sweep", "operate"])
def test_who_has_to_know_how_long_a_sender_lives_does(template: Template, function: str) -> None:
    timeout_seconds = template.functions["dispatch"]["Timeout"]

    assert template.environment(function)["DISPATCH_TIMEOUT_SECONDS"] == str(timeout_seconds)
