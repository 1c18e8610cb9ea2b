"""What the Hub's library raises, as problems a person can act on. Addresses stay out: they may hold a signature."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from backends.failure import chain, is_disk_full
from planner.problem import ProblemError, fail


@contextlib.contextmanager
def told(name: str) -> Iterator[None]:
    """Turn what is raised while the model `name` is asked for or fetched into ProblemError `download.*`."""
    import httpx2
    from huggingface_hub import constants, errors

    page = f"{constants.ENDPOINT}/{name}"
    login = "log in once with `hf auth login`, or put your token into HF_TOKEN"
    try:
        yield
    except ProblemError:
        raise
    except errors.GatedRepoError:
        raise fail(
            "download.gated",
            f"{name} is given only to those who have agreed to its owner's terms.",
            f"Open {page} and agree there, then {login}, and try again. This program never keeps a token.",
        ) from None
    except errors.RevisionNotFoundError:
        raise fail("download.changed", f"{name} has changed meanwhile.", "Ask for it again.") from None
    except errors.RepositoryNotFoundError:
        raise fail(
            "download.not_found",
            f"The Hub has no model {name}, or shows it only to those it belongs to.",
            f"Check the spelling. If it is private, {login}.",
        ) from None
    except errors.OfflineModeIsEnabled:
        raise fail(
            "download.offline_wished",
            "This computer is told to stay offline: HF_HUB_OFFLINE is set.",
            "Unset it to download, or choose a folder that is here.",
        ) from None
    except errors.HfHubHTTPError as error:
        code = error.response.status_code if error.response is not None else 0
        if code in (401, 403):
            raise fail(
                "download.refused", f"The Hub refuses {name} to this login ({code}).", f"See {page}; then {login}."
            ) from None
        raise fail("download.server", f"The Hub answered with an error ({code}).", "Try again later.") from None
    except Exception as error:
        if is_disk_full(error):
            raise fail(
                "download.disk_full",
                "The disk became full while the model was fetched.",
                "Free some space and ask for it again: what came is kept.",
            ) from None
        if any(isinstance(e, (httpx2.HTTPError, ConnectionError, TimeoutError)) for e in chain(error)):
            raise fail(
                "download.no_connection",
                f"The connection to {urlsplit(constants.ENDPOINT).netloc} failed ({type(error).__name__}).",
                "Check the network and try again: what came is kept.",
            ) from None
        raise
