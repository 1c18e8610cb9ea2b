"""The part of a journal that belongs to the settings a run has now: those before a change were another run's in all but name."""

from __future__ import annotations

from collections.abc import Sequence

from planner.run.events import Event, Started


def since_last_change(events: Sequence[Event]) -> Sequence[Event]:
    """The events from the first worker on that went by the settings of the latest; all where nothing was changed."""
    starts = [(i, e.changes) for i, e in enumerate(events) if isinstance(e, Started)]
    if not starts or not starts[-1][1]:
        return events
    return events[next(i for i, changes in starts if changes == starts[-1][1]) :]
