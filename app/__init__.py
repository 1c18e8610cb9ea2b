"""What a person sees: the window and the command line. Knows `backends` only as a command to start."""

PRODUCT = "plimsoll-planner"
