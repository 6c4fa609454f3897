"""Find the files of a data set in the data folder, or download them from public mirrors."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ewc_lambda.data.sources.base import Config, RemoteFile
from ewc_lambda.errors import StudyError

# Seconds to wait for a connection and for the next bytes: a network that swallows packets must
# end in a message within a minute and not in a job that hangs.
_TIMEOUT = (10, 60)


def data_folder(config: Config) -> Path:
    """The folder of the key ``data_folder``, ~ in it being the home folder, as in a shell."""
    return Path(config["data_folder"]).expanduser()


def not_there(config: Config) -> str:
    """What is said beside a file that was not found, where the data folder is not there either."""
    folder = data_folder(config)
    if folder.is_dir():
        return ""
    return f". There is no folder {folder.absolute()}: make it, or mount yours there in a container"


def locate(config: Config, dataset: str, name: str) -> Path | None:
    """Path of ``name`` (file or folder) in ``data_folder/dataset/`` or in ``data_folder/``.

    None where it is in neither.
    """
    root = data_folder(config)
    for folder in (root / dataset, root):
        if (folder / name).exists():
            return folder / name
    return None


def fetch(config: Config, dataset: str, files: tuple[RemoteFile, ...]) -> dict[str, Path]:
    """Path of every file by its name; what is not in the data folder is downloaded to it.

    A file that was already there is not checked here but where it is read. A downloaded one is
    kept only if its SHA-256 is the published one. Raises StudyError where no mirror delivers.
    """
    found = {file.name: locate(config, dataset, file.name) for file in files}
    folder, said = data_folder(config) / dataset, not_there(config)
    for file in files:
        if found[file.name] is None:
            missing = [name for name, path in found.items() if path is None]
            found[file.name] = _download(file, folder, missing, said)
    return {name: path for name, path in found.items() if path is not None}


def read_checked(path: Path, sha256: str | None) -> tuple[bytes, str]:
    """Contents of a file and their SHA-256; StudyError if it is not ``sha256`` (None: any)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from error
    digest = hashlib.sha256(data).hexdigest()
    _compare(path, digest, sha256)
    return data, digest


def file_digest(path: Path, sha256: str | None) -> str:
    """SHA-256 of a file too large to hold in memory; StudyError if it is not ``sha256``."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from error
    _compare(path, digest, sha256)
    return digest


def _compare(path: Path, digest: str, expected: str | None) -> None:
    if expected is not None and digest != expected:
        raise StudyError(
            f"{path}: is not the published file (SHA-256 {digest}, expected {expected}); it may "
            "be cut short or belong to another data set: delete it, to have it downloaded, or "
            "replace it"
        )


def _download(file: RemoteFile, folder: Path, missing: list[str], folder_said: str) -> Path:
    import pooch

    reasons = []
    for url in file.urls:
        try:
            # pooch writes to a temporary name and renames after the checksum was found right,
            # so neither an interrupted nor a wrong download is ever left under this name.
            return Path(
                pooch.retrieve(
                    url,
                    known_hash=f"sha256:{file.sha256}",
                    fname=file.name,
                    path=folder,
                    downloader=pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT),
                )
            )
        except (OSError, ValueError) as error:
            mismatch = isinstance(error, ValueError) and "hash" in str(error)
            reason = "wrong checksum, not kept" if mismatch else type(error).__name__
            reasons.append(f"{url}: {reason}")
    raise StudyError(
        f"{folder}: {listed_files(missing)} missing and could not be downloaded "
        f"({'; '.join(reasons)}); copy what is missing to this folder by hand, or set "
        f"data_folder to the folder that holds it{folder_said}"
    )


def listed_files(names: list[str]) -> str:
    """File names with the verb that follows them."""
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
