"""The checks, one file each; a check is a function from a setting to one row."""
