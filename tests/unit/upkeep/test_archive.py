"""Archives: what was packed comes back to the bit, and nothing else is taken from one."""

import hashlib
import io
import itertools
import tarfile
import time

import numpy as np
import pytest
import yaml
from hostile import HOSTILE, seal

from ewc_lambda.config.study_config import resolve
from ewc_lambda.errors import StudyError
from ewc_lambda.results.run_tables import write_tables
from ewc_lambda.upkeep.archive import CONFIG, MEMBERS, STUDY, SUMS, pack, unpack


@pytest.fixture
def study(tmp_path):
    """A study file with a figure and a table beside it."""
    folder = tmp_path / "here" / "results" / "small"
    tables = {"steps": {"trial": np.arange(3), "measure": np.ones((3, 2))}}
    attributes = {
        "content": "study",
        "config": resolve({"study": "small"}),
        "tasks": {"names": ["a", "b"]},
        "provenance": {"revision": "unknown"},
    }
    write_tables(folder / "study.h5", tables, attributes)
    for name in ("figures/curves.png", "tables/answer.csv"):
        path = folder / name
        path.parent.mkdir()
        path.write_bytes(name.encode())
    return folder / "study.h5"


@pytest.fixture
def archive(study, tmp_path):
    pack(study, tmp_path / "small.tar")
    return tmp_path / "small.tar"


def members(archive):
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def write(archive, entries):
    """An archive of (TarInfo or name, content)."""
    with tarfile.open(archive, "w") as tar:
        for entry, content in entries:
            member = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def sealed(contents):
    """The contents with sums that fit them."""
    sums = "".join(
        f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in MEMBERS[:-1]
    )
    return {**contents, SUMS: sums.encode()}


def test_what_was_packed_comes_back(study, archive, tmp_path):
    folder = unpack(archive, tmp_path / "there")
    assert folder == tmp_path / "there/small"
    assert (folder / STUDY).read_bytes() == study.read_bytes()
    assert yaml.safe_load((folder / CONFIG).read_text()) == resolve({"study": "small"})
    drawn = (folder / "drawn.sha256").read_text().splitlines()
    digest = hashlib.sha256(b"figures/curves.png").hexdigest()
    assert f"{digest}  figures/curves.png" in drawn
    assert len(drawn) == 2


def test_the_same_study_is_the_same_archive(study, archive, tmp_path):
    pack(study, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == archive.read_bytes()


def test_sums_are_those_that_sha256sum_checks(archive):
    contents = members(archive)
    assert list(contents) == list(MEMBERS)
    assert sealed(contents)[SUMS] == contents[SUMS]


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../study.h5", "study.h5/../../x", "./study.h5", "trial_0/x", "STUDY.H5"],
)
def test_other_names_are_refused(archive, tmp_path, name):
    contents = members(archive)
    write(archive, [*contents.items(), (name, b"x")])
    with pytest.raises(StudyError, match="refused for its member"):
        unpack(archive, tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_are_refused(archive, tmp_path, kind):
    contents = members(archive)
    link = tarfile.TarInfo(CONFIG)
    link.type, link.linkname = kind, "/etc/passwd"
    rest = [(name, content) for name, content in contents.items() if name != CONFIG]
    write(archive, [*rest, (link, b"")])
    with pytest.raises(StudyError, match="no plain file"):
        unpack(archive, tmp_path / "there")


def test_large_members_are_refused(archive, tmp_path):
    with pytest.raises(StudyError, match=r"study\.h5 is of \d+ bytes, allowed are 100"):
        unpack(archive, tmp_path / "there", largest=100)
    contents = members(archive)
    write(archive, {**contents, "drawn.sha256": b"x" * (2**24 + 1)}.items())
    with pytest.raises(StudyError, match=r"drawn\.sha256 is of 16777217 bytes"):
        unpack(archive, tmp_path / "there")


def test_a_member_twice_is_refused(archive, tmp_path):
    write(archive, [*members(archive).items(), (CONFIG, b"study: other\n")])
    with pytest.raises(StudyError, match="twice"):
        unpack(archive, tmp_path / "there")


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_or_changed_member_is_refused(archive, tmp_path, name):
    contents = members(archive)
    write(archive, [(other, data) for other, data in contents.items() if other != name])
    with pytest.raises(StudyError, match=f"{name} is missing"):
        unpack(archive, tmp_path / "there")
    write(archive, {**contents, name: contents[name] + b"\n"}.items())
    with pytest.raises(StudyError):
        unpack(archive, tmp_path / "there")
    assert not list((tmp_path).glob("there/**/study.h5"))


@pytest.mark.parametrize("name", ["..", "../x", "/tmp/x", "a/b", ""])
def test_a_name_cannot_leave_the_results(archive, tmp_path, name):
    contents = members(archive)
    config = {**yaml.safe_load(contents[CONFIG]), "study": name}
    contents[CONFIG] = yaml.safe_dump(config).encode()
    write(archive, sealed(contents).items())
    with pytest.raises(StudyError, match="study: "):
        unpack(archive, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_yaml_is_loaded_safely(archive, tmp_path):
    contents = members(archive)
    contents[CONFIG] = (
        b"study: !!python/object/apply:os.system ['touch /tmp/ewc-lambda-was-here']\n"
    )
    write(archive, sealed(contents).items())
    with pytest.raises(StudyError, match="no config"):
        unpack(archive, tmp_path / "there")


@pytest.mark.parametrize("size", [0, 100, 700, 1500])
def test_a_cut_archive_is_refused(archive, tmp_path, size):
    archive.write_bytes(archive.read_bytes()[:size])
    with pytest.raises(StudyError):
        unpack(archive, tmp_path / "there")
    assert not list((tmp_path).glob("there/**/study.h5"))


def test_a_study_that_is_there_is_not_replaced(archive, tmp_path):
    unpack(archive, tmp_path / "there")
    with pytest.raises(StudyError, match="there already"):
        unpack(archive, tmp_path / "there")


def test_a_link_in_the_place_of_the_study_is_not_followed(archive, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "there/small").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StudyError, match="there already"):
        unpack(archive, tmp_path / "there")


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"none\.tar: the file is missing"):
        unpack(tmp_path / "none.tar", tmp_path)


# ------------------------------------------------------------------ what would harm its reader


def merges():
    """Half a kilobyte of YAML that stands for 2^25 keys."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    lines = ["a: &a {k: 1}"]
    lines += [f"{y}: &{y} {{<<: [*{x}, *{x}]}}" for x, y in itertools.pairwise(letters)]
    return "\n".join(lines).encode()


HARMFUL_CONFIGS = {
    "merges": merges(),
    "aliases": b"a: &a [1]\n" + b"".join(b"x%d: [*a, *a]\n" % n for n in range(3)),
    "depth": b"[" * 100_000,
    "size": b"study: small\n" + b"#" * 2**18,
}


@pytest.mark.parametrize("config", HARMFUL_CONFIGS.values(), ids=HARMFUL_CONFIGS)
def test_a_config_that_grows_is_refused_in_seconds(archive, tmp_path, config):
    write(archive, sealed({**members(archive), CONFIG: config}).items())
    start = time.monotonic()
    with pytest.raises(StudyError, match=r"no config|config\.yaml is of \d+ bytes, allowed are"):
        unpack(archive, tmp_path / "there")
    assert time.monotonic() - start < 5
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("fill", HOSTILE, ids=lambda fill: fill.__name__)
def test_a_study_file_that_harms_its_reader_is_refused_in_seconds(archive, tmp_path, fill):
    study = seal(tmp_path / "hostile.h5", fill, {"content": "study"}).read_bytes()
    write(archive, sealed({**members(archive), STUDY: study}).items())
    start = time.monotonic()
    with pytest.raises(StudyError) as caught:
        unpack(archive, tmp_path / "there")
    assert time.monotonic() - start < 5
    assert str(caught.value).startswith(f"{archive}: its member study.h5: refused: ")
    assert HOSTILE[fill] in str(caught.value)
    assert not list(tmp_path.glob("there/**/*.*"))


def header(name, size, kind=tarfile.REGTYPE):
    """A tar header that says any size."""
    member = tarfile.TarInfo(name)
    member.type = kind
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = size
    # The checksum is that of the header with blanks in its own place.
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


SIZES = {
    "8 exabytes": b"\x80" + (2**63).to_bytes(11, "big"),
    "2^87 bytes": b"\x80" + b"\xff" * 11,
    "negative": b"\xff" * 12,
    "more than the file": b"00000100000\0",
    "no number": b"what is it?\0",
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("name", [CONFIG, STUDY])
def test_impossible_sizes_are_refused_in_seconds(archive, tmp_path, name, kind, size):
    rest = archive.read_bytes()
    archive.write_bytes(header(name, size, kind) + rest)
    start = time.monotonic()
    with pytest.raises(StudyError) as caught:
        unpack(archive, tmp_path / "there")
    assert time.monotonic() - start < 5
    assert str(caught.value).startswith(f"{archive}: ")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "there").exists()
