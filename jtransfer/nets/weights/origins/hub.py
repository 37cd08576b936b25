"""Weights in a repository of the Hugging Face hub, by `huggingface_hub`.

Its settings hold here: `HF_HOME` and `HF_HUB_CACHE` say where files are kept, `HF_HUB_OFFLINE=1`
that nothing is asked for, `HF_ENDPOINT` which mirror answers, `HF_TOKEN` who asks.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jtransfer.nets.weights.error import WeightsError

_EXTRA = "pip install 'jtransfer[hub]'"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NUMBERS_OR_TEXT = (".safetensors", ".txt", ".json")  # which run nothing where they are read


@dataclass(frozen=True)
class Hub:
    """A safetensors file of a repository, or one of text such as a tokenizer's, at a revision.

    Attributes:
      repository: "owner/name".
      revision: the commit, as 40 hexadecimal digits; None for whatever is newest, where the commit
        is not known here: what comes may change.
      sha256: of the file, in hexadecimal; "" where it is not known here.
      file: within the repository.

    Raises:
      WeightsError: if the file may be of another kind, or the revision is no commit.
    """

    repository: str
    revision: str | None = None
    sha256: str = ""
    file: str = "model.safetensors"

    def __post_init__(self):
        """Check that what is asked for runs nothing, and stays what it is."""
        if not self.file.endswith(_NUMBERS_OR_TEXT):
            raise WeightsError(
                f"{self.file} of {self.repository}; expected a .safetensors file, or text"
            )
        if self.revision is not None and not _COMMIT.fullmatch(self.revision):
            raise WeightsError(
                f"revision {self.revision!r} of {self.repository}; expected a commit of 40 "
                "hexadecimal digits: branches and tags move"
            )

    def __str__(self) -> str:
        return f"{self.repository} at {self.revision[:8] if self.revision else 'its newest commit'}"

    def at_hand(self, cache_folder: Path) -> bool:
        """Whether the file is in the hub's cache."""
        del cache_folder
        if find_spec("huggingface_hub") is None:
            return False
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, self.file, revision=self.revision)
        return isinstance(found, str)

    def fetch(self, cache_folder: Path) -> Path:
        """The file's path in the hub's cache, after it has been downloaded if need be.

        Raises:
          WeightsError: if `huggingface_hub` is not installed, or the file is not in the cache and
            cannot be fetched: offline, no network, no such repository, or no access to it.
        """
        del cache_folder
        if find_spec("huggingface_hub") is None:
            raise WeightsError(
                f"{self} is on the Hugging Face hub, which needs `{_EXTRA}`; or elsewhere "
                f"`{self.get()}`"
            )
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

        try:
            link = hf_hub_download(self.repository, self.file, revision=self.revision)
        except LocalEntryNotFoundError as error:
            raise WeightsError(
                f"{self} is not in the hub's cache and the hub cannot be reached; see to the "
                f"network and that HF_HUB_OFFLINE is not set, or where there is one `{self.get()}`"
            ) from error
        except (HfHubHTTPError, OSError) as error:
            said = " ".join(str(error).split())[:200]
            raise WeightsError(
                f"{self} cannot be fetched from the Hugging Face hub ({said}); try "
                f"`{self.get()}`, after `hf auth login` where access must be granted"
            ) from error
        if self.revision is None:
            print(f"{self.repository}: commit {Path(link).parent.name}, whatever is newest")
        return Path(link)

    def get(self) -> str:
        """The command that gets the weights."""
        revision = f" --revision {self.revision}" if self.revision else ""
        return f"hf download {self.repository} {self.file}{revision}"
