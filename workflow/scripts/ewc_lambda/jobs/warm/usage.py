"""What a child of the helper uses, in the units of Snakemake's benchmark files.

Snakemake measures the process that it started and its descendants; a child of the helper is none.
So it measures itself, as often as Snakemake would, and hands the result over by a file.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MIB = 2**20
# Seconds between two samples, at first and after so many, as in snakemake.benchmark.
SHORT, LONG = 0.5, 30.0


class Usage:
    """Peaks so far, in MiB: ``max_rss`` (resident), ``max_vms`` (virtual), ``max_uss`` (its own
    alone) and ``max_pss`` (its share of what is shared).
    """

    def __init__(self) -> None:
        self._peaks = {"max_uss": 0.0, "max_pss": 0.0}
        self._begin = _seconds()

    def pauses(self) -> Iterator[float]:
        """Seconds to the next sample, for ever."""
        for _ in range(int(LONG)):
            yield SHORT
        while True:
            yield LONG

    def sample(self) -> None:
        """Look at what the kernel keeps no peak of."""
        sizes = _sizes("/proc/self/smaps_rollup")
        own = sizes.get("Private_Clean", 0.0) + sizes.get("Private_Dirty", 0.0)
        now = {"max_uss": own, "max_pss": sizes.get("Pss", 0.0)}
        self._peaks = {name: max(peak, now[name]) for name, peak in self._peaks.items()}

    def write(self, path: Path) -> None:
        """Write all that was used until now."""
        self.sample()
        status = _sizes("/proc/self/status")
        words = Path("/proc/self/io").read_text().split()
        io = dict(zip(words[::2], words[1::2], strict=True))
        used = {
            **self._peaks,
            "max_rss": status["VmHWM"],
            "max_vms": status["VmPeak"],
            "io_in": int(io["read_bytes:"]) / _MIB,
            "io_out": int(io["write_bytes:"]) / _MIB,
            "cpu_time": _seconds() - self._begin,
        }
        temporary = path.with_name(f"{path.name}.part")
        temporary.write_text(json.dumps(used))
        temporary.replace(path)


def add_usage(record: Any, path: Path) -> None:
    """Add what a child has written to Snakemake's record of its client. Memory is that of both: the
    client and its shell live as long as the job. Without the file the record stays as it is.
    """
    try:
        used = json.loads(path.read_text())
    except FileNotFoundError:
        return
    path.unlink()
    for name, value in used.items():
        setattr(record, name, (getattr(record, name) or 0.0) + value)
    # In percent, as the mean load wants it.
    record.cpu_usage += 100 * used["cpu_time"]
    record.data_collected = True


def _seconds() -> float:
    """CPU time of this process and those that it waited for."""
    used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _sizes(path: str) -> dict[str, float]:
    """The lines ``Name: N kB`` of a file of the kernel's, in MiB."""
    lines = (line.split() for line in Path(path).read_text().splitlines())
    return {
        words[0].rstrip(":"): int(words[1]) / 1024
        for words in lines
        if len(words) == 3 and words[2] == "kB"
    }
