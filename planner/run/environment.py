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
ONLINE_JOBS = ("download",)
ONLINE = {
    "HF_HUB_DISABLE_XET": "1",  # plain HTTP can go on where it stopped, and tells each byte
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_VERBOSITY": "error",  # its warnings name addresses, which may hold a signature
    "HF_HUB_ETAG_TIMEOUT": "20",
}
FORCED_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")


def of_job(job: object) -> dict[str, str]:
    """What a worker's environment gets for its job: every one is offline but that which a person asked to fetch. A person
    who has set HF_HUB_OFFLINE for all programs stays offline in that, too."""
    if job not in ONLINE_JOBS:
        return QUIET_AND_OFFLINE
    return {k: v for k, v in QUIET_AND_OFFLINE.items() if k not in FORCED_OFFLINE} | ONLINE
