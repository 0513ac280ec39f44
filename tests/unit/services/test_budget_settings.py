"""The days' budgets, as the environment gives them."""

from decimal import Decimal

import pytest

from stillmotion.errors import Misconfigured
from stillmotion.ports.records import Budget
from stillmotion.settings import BudgetSettings, load


def test_no_budget_is_set_unless_one_is_given() -> None:
    assert load(BudgetSettings, {}).budget == Budget()


def test_zero_is_as_much_as_is_wanted() -> None:
    given = load(BudgetSettings, {"TENANT_DAILY_DOLLARS": "0", "STACK_DAILY_DOLLARS": "0.00"})

    assert given.budget == Budget(tenant_dollars=None, stack_dollars=None)


def test_budgets_are_exact_dollars() -> None:
    given = load(BudgetSettings, {"TENANT_DAILY_DOLLARS": "2.50", "STACK_DAILY_DOLLARS": "10"})

    assert given.budget == Budget(tenant_dollars=Decimal("2.5"), stack_dollars=Decimal(10))


@pytest.mark.parametrize("dollars", ["-1", "NaN", "Infinity", "ten", ""])
def test_what_is_no_amount_names_its_variable(dollars: str) -> None:
    with pytest.raises(Misconfigured, match="STACK_DAILY_DOLLARS"):
        load(BudgetSettings, {"STACK_DAILY_DOLLARS": dollars})
