"""Whether a job's code and inputs are those that it was planned with: a study may be worked on,
and its files exchanged, while it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ewc_lambda.errors import StudyError
from ewc_lambda.store.code import code_digest, source_digest
from ewc_lambda.store.provenance import check_config
from ewc_lambda.store.records import peek


class SameCode:
    """The code of a job, from its parameters: ``source`` names the files and the digest of their
    bytes, ``code`` is the digest of what they mean.
    """

    def __init__(self, source: Mapping[str, Any], code: str) -> None:
        self._scripts, self._files = tuple(source["scripts"]), tuple(source["files"])
        self._bytes, self._code = source["sha256"], code

    def check(self) -> None:
        """Compare the files with the digests.

        Raises:
            StudyError: they mean something else by now.

        """
        now = source_digest(*self._scripts, files=self._files)
        if now == self._bytes:
            return
        code_digest.cache_clear()
        if code_digest(*self._scripts, files=self._files) != self._code:
            raise StudyError(
                "the code changed while the study ran, so this result was not kept; run the same "
                "command again"
            )
        self._bytes = now


def check_inputs(paths: Iterable[str], config: Mapping[str, Any]) -> None:
    """Compare what a job's inputs were made with and its own config. Their seals, and what they
    were made from, are checked where they are read.

    Raises:
        StudyError: names the file and the key that differs.

    """
    for path in paths:
        if path.endswith((".h5", ".json")) and (made := peek(path, "provenance")):
            check_config(path, made, config)
