"""A plan as a folder that runs without this program."""
