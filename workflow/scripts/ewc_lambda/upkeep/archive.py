"""One file that holds a study's raw results, to draw its figures and tables on another machine.

A plain tar file with a fixed list of members: the study file, its config, its provenance, digests
of what was drawn from it, and ``SHA256SUMS`` of all these. No time stamps, no owners: the same
study is the same archive. Reading takes nothing from an archive but the content of those members;
where they go, it does not decide.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Container
from pathlib import Path
from typing import BinaryIO

import yaml

from ewc_lambda.config.plain_yaml import load_plain
from ewc_lambda.config.study_config import resolve
from ewc_lambda.config.written import NOT_YAML
from ewc_lambda.errors import BrokenFileError, StudyError
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.records import file_digest
from ewc_lambda.store.replacing import replacing

STUDY, CONFIG, PROVENANCE, DRAWN, SUMS = MEMBERS = (
    "study.h5",
    "config.yaml",
    "provenance.json",
    "drawn.sha256",
    "SHA256SUMS",
)
# Of bytes: the text members are small, whatever the study is.
LARGEST_TEXT = 16 * 2**20
# YAML is read at some 100 kB a second.
LARGEST_CONFIG = 2**18
LARGEST_STUDY = 8 * 2**30


def pack(study: str | Path, archive: str | Path) -> None:
    """Pack a ``study.h5``.

    Digests of the figures and tables beside it go along, so that they can be compared bit for bit
    with those drawn from the archive.

    Raises:
        StudyError: the study file is missing, damaged, or none.

    """
    study = Path(study)
    read = Study.read(study)
    texts = {
        CONFIG: yaml.safe_dump(read.config, sort_keys=True),
        PROVENANCE: json.dumps(read.attributes["provenance"], indent=1, sort_keys=True) + "\n",
        DRAWN: _sums(
            {
                path.relative_to(study.parent).as_posix(): file_digest(path)
                for folder in ("figures", "tables")
                for path in sorted((study.parent / folder).glob("*"))
                if path.is_file()
            }
        ),
    }
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    texts[SUMS] = _sums({STUDY: file_digest(study), **digests})
    plain = tarfile.USTAR_FORMAT
    with replacing(archive) as temporary, tarfile.open(temporary, "w", format=plain) as tar:
        with study.open("rb") as content:
            tar.addfile(_member(STUDY, study.stat().st_size), content)
        for name, text in texts.items():
            data = text.encode()
            tar.addfile(_member(name, len(data)), io.BytesIO(data))


def unpack(archive: str | Path, results: str | Path, largest: int = LARGEST_STUDY) -> Path:
    """Check an archive and put its files in the folder of its study.

    Args:
        archive: what `pack` wrote.
        results: folder of all studies; nothing is written outside it.
        largest: size in bytes above which a study file is refused.

    Returns:
        The study's folder.

    Raises:
        StudyError: the archive is damaged or holds what no archive of a study does, or the study
            is there already.

    """
    archive = Path(archive)
    try:
        with archive.open("rb") as file:
            members = _members(archive, file, largest)
            texts = {name: _text(archive, file, members[name]) for name in MEMBERS if name != STUDY}
            # The name is checked as that of a study run here would be: letters, digits, _ and -.
            config = resolve(_mapping(archive, texts[CONFIG]))
            folder = Path(results) / str(config["study"])
            _refuse_existing(folder)
            with replacing(folder / STUDY) as temporary:
                digest = _copy(archive, file, members[STUDY], temporary)
                digests = {
                    name: hashlib.sha256(text.encode()).hexdigest()
                    for name, text in texts.items()
                    if name != SUMS
                }
                if texts[SUMS] != _sums({STUDY: digest, **digests}):
                    raise BrokenFileError(archive, "a member is not what SHA256SUMS says")
                if _read(archive, temporary).config != _mapping(archive, texts[CONFIG]):
                    raise BrokenFileError(archive, "its config is not that of its study file")
    except FileNotFoundError:
        raise BrokenFileError(archive, "the file is missing") from None
    for name in (CONFIG, PROVENANCE, DRAWN):
        with replacing(folder / name) as temporary:
            temporary.write_text(texts[name])
    return folder


def _members(archive: Path, file: BinaryIO, largest: int) -> dict[str, tarfile.TarInfo]:
    """Headers of all members, read one by one: `tarfile` would follow those that only say how
    another one is to be understood, of whatever size they claim to be.
    """
    found: dict[str, tarfile.TarInfo] = {}
    whole = archive.stat().st_size
    while (header := file.read(tarfile.BLOCKSIZE)) and header.strip(b"\0"):
        try:
            member = tarfile.TarInfo.frombuf(header, tarfile.ENCODING, "surrogateescape")
        except tarfile.HeaderError as error:
            raise BrokenFileError(archive, f"not a whole tar file ({error})") from None
        member.offset_data = file.tell()
        _check_member(archive, member, found, largest if member.name == STUDY else LARGEST_TEXT)
        if member.offset_data + member.size > whole:
            raise BrokenFileError(archive, f"its member {member.name} is cut short")
        found[member.name] = member
        file.seek(member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE)
    for name in MEMBERS:
        if name not in found:
            raise BrokenFileError(archive, f"its member {name} is missing")
    return found


def _check_member(
    archive: Path, member: tarfile.TarInfo, found: Container[str], largest: int
) -> None:
    if member.name not in MEMBERS:
        raise BrokenFileError(
            archive, f"refused for its member {member.name!r}: allowed are {', '.join(MEMBERS)}"
        )
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        raise BrokenFileError(archive, f"refused: its member {member.name} is no plain file")
    if member.name in found:
        raise BrokenFileError(archive, f"refused: it holds {member.name} twice")
    if member.name == CONFIG:
        largest = LARGEST_CONFIG
    if not 0 <= member.size <= largest:
        raise BrokenFileError(
            archive,
            f"refused: its member {member.name} is of {member.size} bytes, allowed are {largest}",
        )


def _text(archive: Path, file: BinaryIO, member: tarfile.TarInfo) -> str:
    file.seek(member.offset_data)
    try:
        return file.read(member.size).decode()
    except UnicodeDecodeError:
        raise BrokenFileError(archive, f"its member {member.name} is no text") from None


def _read(archive: Path, study: Path) -> Study:
    try:
        return Study.read(study)
    except StudyError as error:
        # Named by its temporary place.
        said = str(error).removeprefix(f"{study}: ")
        raise BrokenFileError(archive, f"its member {STUDY}: {said}") from None


def _mapping(archive: Path, text: str) -> dict[str, object]:
    try:
        config = load_plain(text)
    except NOT_YAML:
        config = None
    if not isinstance(config, dict):
        raise BrokenFileError(archive, f"its member {CONFIG} is no config")
    return config


def _copy(archive: Path, source: BinaryIO, member: tarfile.TarInfo, target: Path) -> str:
    source.seek(member.offset_data)
    digest, left = hashlib.sha256(), member.size
    with target.open("wb") as file:
        while block := source.read(min(left, 2**20)):
            digest.update(block)
            file.write(block)
            left -= len(block)
    if left:
        raise BrokenFileError(archive, f"its member {member.name} is cut short")
    return digest.hexdigest()


def _refuse_existing(folder: Path) -> None:
    if folder.is_symlink() or (folder / STUDY).exists() or any(folder.glob("trial_*")):
        raise StudyError(
            f"{folder}: a study of this name is there already. Move it away, or unpack into "
            f"another folder of results."
        )


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def _sums(digests: dict[str, str]) -> str:
    """In the format of sha256sum, whose --check reads it."""
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items())
