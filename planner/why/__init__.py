"""Why a run ran out of memory: from what a person pasted to the ledger of that run. Text in, plain values out."""
