"""The command line: one file per verb. No Qt is imported here, and no torch."""
