"""What this machine has. The one room of the planner that looks at the machine; all else works on plain facts."""

from planner.probe.machine import machine

__all__ = ["machine"]
