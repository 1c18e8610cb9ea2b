"""The environment a worker is started with, each variable with its reason. An export's page names the first group.

They change speed and memory, never a number.
"""

from __future__ import annotations

# process memory follows live tensors, and a step keeps its speed beside other programs
LEAN = {
    # glibc keeps freed blocks below its mmap threshold, which it raises by itself up to 32 MiB
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
    # in bfloat16 oneDNN compiles each matmul anew for each batch shape, 0.7 MiB apiece, and two caches keep 1,024 of them
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128",
    "LRU_CACHE_CAPACITY": "128",
    # waiting threads spin for microseconds, then sleep: spinning on made a step ten times slower beside another program
    "GOMP_SPINCOUNT": "10000",
}
QUIET_AND_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONIOENCODING": "utf-8",
}
