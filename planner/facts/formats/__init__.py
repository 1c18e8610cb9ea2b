"""The files that rows come in: one module for each, all giving numbered rows or the fault in a row's place."""
