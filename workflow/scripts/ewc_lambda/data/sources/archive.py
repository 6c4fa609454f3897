"""Files out of a published .tar.gz, or out of the folder into which somebody unpacked it."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

from ewc_lambda.data.sources.base import Config, RemoteFile
from ewc_lambda.data.sources.download import fetch, file_digest, locate, read_checked
from ewc_lambda.errors import StudyError


def read_members(
    config: Config, dataset: str, archive: RemoteFile, folder: str, members: tuple[str, ...]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Contents by name of ``folder/member`` for all ``members``, and the SHA-256 of what was read.

    The archive comes first because its checksum is published. Where it is not in the data
    folder but ``folder`` is, that serves; where neither is, the archive is downloaded. Raises
    StudyError for a missing, wrong or damaged file.
    """
    unpacked = locate(config, dataset, folder)
    if unpacked is not None and locate(config, dataset, archive.name) is None:
        contents, sources = {}, {}
        for member in members:
            contents[member], sources[f"{folder}/{member}"] = read_checked(unpacked / member, None)
        return contents, sources
    path = fetch(config, dataset, (archive,))[archive.name]
    digest = file_digest(path, archive.sha256)
    return _extract(path, folder, members), {archive.name: digest}


def _extract(path: Path, folder: str, members: tuple[str, ...]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    try:
        # Read as a stream, in the archive's own order: the one pass stops at the last wanted
        # member and never goes back, which in a gzip file means to start again.
        with tarfile.open(path, "r|gz") as archive:
            for entry in archive:
                name = entry.name.removeprefix("./").removeprefix(f"{folder}/")
                stream = archive.extractfile(entry) if name in members else None
                if stream is not None:
                    contents[name] = stream.read()
                if len(contents) == len(members):
                    break
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise StudyError(f"{path}: is not a whole .tar.gz archive ({error})") from error
    for member in members:
        if member not in contents:
            raise StudyError(f"{path}: has no {folder}/{member}, it is not the published archive")
    return contents
