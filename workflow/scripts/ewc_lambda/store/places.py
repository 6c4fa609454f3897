"""Whether results can be where they shall be."""

from __future__ import annotations

from pathlib import Path

from ewc_lambda.errors import StudyError


def check_place(folder: Path) -> None:
    """StudyError if ``folder``, or one of those above it, is a file or a link to nothing, as where
    a disk is not mounted. It need not be there.
    """
    for path in (folder, *folder.parents):
        if path.is_dir():
            return
        if path.is_symlink():
            raise StudyError(
                f"{path}: is a link to {path.readlink()}, which is not there. Mount the disk, make "
                "that folder, or remove the link."
            )
        if path.exists():
            raise StudyError(
                f"{path}: is a file where a folder is needed. Move it, or give the study another "
                "name: --config study=NAME"
            )
