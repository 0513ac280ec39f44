"""docs/operations.md against template.yaml: what the one has is told by the other."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from tests.unit.docs.pages import PAGES, code_in, prose, rows, section
from tests.unit.template.document import Template, read_template

PAGE = "docs/operations.md"
DOLLARS_PER_CACHED_GB_SECOND, DOLLARS_PER_RESTORED_GB = Decimal("0.0000015046"), Decimal("0.0001397998")
SECONDS_IN_A_MONTH, MIN_VERSION_SECONDS = 730 * 3600, 3 * 3600
DOLLARS_PER_ALARM, DOLLARS_PER_METRIC, DOLLARS_PER_SECRET = Decimal("0.10"), Decimal("0.30"), Decimal("0.40")
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4}
# Their defaults are to be left alone, or they are an emulator's: the template says what each is.
LEFT_ALONE = {
    "ApiframeBaseUrl", "WavespeedBaseUrl", "WebhookBaseUrl", "Webhooks", "ImageTransfer", "InputUrlSeconds",
    "LeaseSeconds", "PauseSeconds", "LoweredSeconds", "UsualSeconds", "ShortWaitSeconds", "LongestWaitSeconds",
    "SlowPollSeconds", "SweepAtMost", "FetchTries", "FirstFetchWaitSeconds", "LongestFetchWaitSeconds",
    "InputTierDays", "OutputTierDays", "OldVersionDays", "IncompleteUploadDays", "DeletionProtection",
    "PublishVersions",
}  # fmt: skip
KEPT = {
    "AWS::S3::Bucket": "both buckets",
    "AWS::DynamoDB::Table": "the jobs table",
    "AWS::SecretsManager::Secret": "both secrets",
}
"""What a deleted stack leaves behind, and how it is called."""


@pytest.fixture(scope="module")
def template() -> Template:
    return read_template()


def spelt_out(names: list[str]) -> Iterator[str]:
    """`ADollars5Seconds`, `…10Seconds`: the second has the beginning of the first, up to what differs."""
    first = ""
    for name in names:
        if name.startswith("…"):
            yield re.sub(r"\d+\w*$", name.removeprefix("…"), first)
        else:
            first = name
            yield name


def parameters() -> list[tuple[list[str], str]]:
    """The rows of the table: names, and the default in words."""
    found = rows(section(PAGE, "Parameters that matter"), "parameter")
    return [(list(spelt_out(code_in(row[0]))), row[1]) for row in found]


def test_every_parameter_is_told_or_deliberately_not(template: Template) -> None:
    tabled = {name for names, _ in parameters() for name in names}
    told = tabled | {word for name in PAGES for word in code_in(prose(name)) if word in template.parameters}
    assert tabled <= template.parameters.keys()
    assert template.parameters.keys() == told | LEFT_ALONE
    assert not tabled & LEFT_ALONE


@pytest.mark.parametrize("row", parameters(), ids=lambda row: ",".join(row[0]))
def test_a_default_in_the_table_is_the_templates(template: Template, row: tuple[list[str], str]) -> None:
    names, told = row
    numbers = re.findall(r"\d+(?:\.\d+)?", told.partition("; ")[0])
    defaults = [str(template.parameters[name]["Default"]) for name in names]
    if numbers:
        assert defaults == (numbers if len(numbers) == len(names) else numbers * len(names))
    else:
        assert all(default in ("", told) for default in defaults)


def test_every_alarm_is_in_the_table(template: Template) -> None:
    told = set()
    for row in rows(section(PAGE, "Alarms"), "alarm"):
        names = code_in(row[0]) or [row[0]]
        told |= {name.replace("…", "Errors") for name in names}
    assert told == {name.removesuffix("Alarm") for name in template.of_type("AWS::CloudWatch::Alarm")}


def test_every_log_group_is_named(template: Template) -> None:
    groups = [
        found["Properties"]["LogGroupName"]["Fn::Sub"] for found in template.of_type("AWS::Logs::LogGroup").values()
    ]
    told = code_in(section(PAGE, "Logs").partition("Kept for")[0])
    folder = "/stillmotion/<stack>/"
    assert told[0] == folder
    assert sorted(word if word.startswith("/") else folder + word for word in told[1:]) == sorted(
        group.replace("${AWS::StackName}", "<stack>") for group in groups
    )


def monthly(what: str) -> tuple[int, Decimal]:
    """How many of something a stack has, and what they cost in a month, by the page."""
    text = " ".join(section(PAGE, "What it costs beside the videos").split())
    found = re.search(rf"(\w+) {what} \$([\d.]+)", text)
    assert found is not None
    return NUMBERS.get(found[1]) or int(found[1]), Decimal(found[2])


def test_alarms_metrics_and_secrets_are_counted_and_cost_what_is_told(template: Template) -> None:
    filters = template.of_type("AWS::Logs::MetricFilter").values()
    metrics = {each["MetricName"] for found in filters for each in found["Properties"]["MetricTransformations"]}
    alarms = len(template.of_type("AWS::CloudWatch::Alarm"))
    secrets = len(template.of_type("AWS::SecretsManager::Secret"))
    assert monthly("alarms") == (alarms, alarms * DOLLARS_PER_ALARM)
    assert monthly("metrics") == (len(metrics), len(metrics) * DOLLARS_PER_METRIC)
    assert monthly("secrets") == (secrets, secrets * DOLLARS_PER_SECRET)


def test_snapstart_costs_what_is_told(template: Template) -> None:
    functions = [found for found in template.functions.values() if "SnapStart" in found]
    memory_gb = [Decimal(found["MemorySize"]) / 1024 for found in functions]
    cached = sum(memory_gb) * DOLLARS_PER_CACHED_GB_SECOND
    (restored,) = {each * DOLLARS_PER_RESTORED_GB for each in memory_gb}
    told = [Decimal(row[2].split()[0].removeprefix("$")) for row in rows(section(PAGE, "SnapStart"), "what")]

    exact = [cached * SECONDS_IN_A_MONTH, restored, 10 * restored, 1000 * restored, cached * MIN_VERSION_SECONDS]
    assert told == [each.quantize(shown) for each, shown in zip(exact, told, strict=True)]


def test_all_that_a_deleted_stack_leaves_behind_is_told(template: Template) -> None:
    kept = {found["Type"] for found in template.body["Resources"].values() if found.get("DeletionPolicy") == "Retain"}
    told = section(PAGE, "Deleting a stack").partition("**Kept:**")[2].partition("**Gone:**")[0]
    assert kept == KEPT.keys()
    assert [word for word in KEPT.values() if word not in told] == []
    for kind, word in KEPT.items():
        assert len(template.of_type(kind)) == (2 if word.startswith("both") else 1)
