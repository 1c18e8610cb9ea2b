"""Money is rent by the hour and, where both are known, electricity."""

from __future__ import annotations

import pytest

from planner.timing.cost import cost, energy_kwh


def test_rent_and_electricity_add_up() -> None:
    assert cost(7200, 1.5) == 3.0
    assert energy_kwh(7200, 500) == 1.0
    assert cost(7200, 1.5, watts=500, price_per_kwh=0.4) == pytest.approx(3.4)
    assert cost(7200, watts=500, price_per_kwh=0.4) == pytest.approx(0.4)


def test_without_a_sensor_or_a_price_only_the_rent_counts() -> None:
    assert cost(3600, 2.0, watts=None, price_per_kwh=0.4) == cost(3600, 2.0, watts=500) == 2.0


def test_nothing_is_below_nothing() -> None:
    for given in ((-1.0, 1.0), (1.0, -1.0), (1.0, 1.0, -1.0), (1.0, 1.0, 1.0, -1.0)):
        with pytest.raises(ValueError, match="below nothing"):
            cost(*given)
