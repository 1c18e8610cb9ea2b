"""How a piece of a text is marked. Qt-free, so that what is said of a text can be made and tested without a window."""

from __future__ import annotations

from enum import Enum


class Mark(Enum):
    """plain; a heading over a part; a token that does not count in the loss; a token that is no text; both."""

    PLAIN = "plain"
    HEADING = "heading"
    MASKED = "masked"
    SPECIAL = "special"
    MASKED_SPECIAL = "masked special"
