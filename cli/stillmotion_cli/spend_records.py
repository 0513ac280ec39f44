"""What the API tells of the days' books. Amounts are US dollars."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """`reserved` for what is under way, `charged` for what is over; `wasted` is the part of it that brought nothing."""

    reserved: Decimal = Decimal(0)
    charged: Decimal = Decimal(0)
    wasted: Decimal = Decimal(0)


class TenantsDay(Amounts, frozen=True, kw_only=True):
    """What one tenant spent on a day."""

    tenant: str
    vendors: Mapping[str, Amounts] = {}


class Day(Amounts, frozen=True, kw_only=True):
    """What was spent on a day (UTC). `tenants` are there where all tenants were asked for."""

    day: date
    committed: Decimal = Decimal(0)
    vendors: Mapping[str, Amounts] = {}
    tenants: tuple[TenantsDay, ...] = ()


class Spend(msgspec.Struct, frozen=True, kw_only=True, rename={"last": "to"}):
    """Days on which something was spent, the latest first; `last` is the latest that was asked for.

    `tenant` is whose they are, None for all. A cap is what may be committed on one day; None for no cap. Not
    `complete`: some tenants of some days are left out.
    """

    days: tuple[Day, ...]
    last: date
    tenant: str | None = None
    daily_caps: Mapping[str, Decimal | None] = {}
    complete: bool = True
