"""Engines found by their class."""

from __future__ import annotations

import pytest

from devopsclaw.core.services import Services


class Pump:
    """An engine."""


class Turbine(Pump):
    """Another, which is also a pump."""


def test_a_service_is_found_by_its_own_class() -> None:
    pump, turbine = Pump(), Turbine()
    services = Services(pump, turbine)

    assert services.get(Pump) is pump
    assert services.get(Turbine) is turbine


def test_a_later_object_of_the_class_takes_the_place() -> None:
    services = Services(Pump())
    second = Pump()

    services.add(second)

    assert services.get(Pump) is second


def test_what_boot_did_not_open_is_an_error_that_names_it() -> None:
    with pytest.raises(LookupError, match="boot opened no Turbine"):
        Services(Pump()).get(Turbine)
