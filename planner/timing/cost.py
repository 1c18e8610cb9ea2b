"""What a run costs in money, from a price that a person types and, where a sensor was, the power that runs drew."""

from __future__ import annotations

HOUR_S = 3600.0
WATTS_OF_A_KILOWATT = 1000.0


def energy_kwh(seconds: float, watts: float) -> float:
    """Kilowatt-hours of so many seconds at this power."""
    return seconds / HOUR_S * watts / WATTS_OF_A_KILOWATT


def cost(
    seconds: float, price_per_hour: float = 0.0, watts: float | None = None, price_per_kwh: float | None = None
) -> float:
    """Rent by the hour, and electricity where both its price and the device's power are known; in whatever currency.

    Raises ValueError for a price or a power below nothing.
    """
    if min(seconds, price_per_hour, watts or 0.0, price_per_kwh or 0.0) < 0:
        raise ValueError("neither time, price nor power is below nothing")
    rent = seconds / HOUR_S * price_per_hour
    return rent + (energy_kwh(seconds, watts) * price_per_kwh if watts and price_per_kwh else 0.0)
