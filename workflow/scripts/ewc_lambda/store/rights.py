"""Whether a disk keeps the rights of files: mounts of SMB and FUSE may refuse to change them."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path


def keeps_rights(folder: str | Path) -> bool:
    """Whether files in a folder, which need not exist yet, can be protected from being written."""
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    try:
        place.chmod(stat.S_IMODE(place.stat().st_mode))
    except OSError:
        # The folder of somebody else may hold files of one's own.
        return _keeps_those_of_a_file(place)
    return True


def _keeps_those_of_a_file(folder: Path) -> bool:
    try:
        file = tempfile.NamedTemporaryFile(prefix=".rights-", dir=folder)  # noqa: SIM115
    except OSError:
        return True  # Nothing is written here, and so nothing is protected.
    with file:
        try:
            Path(file.name).chmod(0o400)
        except OSError:
            return False
    return True
