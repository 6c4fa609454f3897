"""Disks that keep the rights of files, and those that refuse to change them."""

from pathlib import Path

from ewc_lambda.store.rights import keeps_rights


def refuse(*_, **__):
    raise PermissionError(1, "Operation not permitted")


def test_a_disk_that_keeps_them_is_left_as_it_was(tmp_path):
    tmp_path.chmod(0o751)
    assert keeps_rights(tmp_path / "results" / "study")
    assert tmp_path.stat().st_mode & 0o777 == 0o751
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "chmod", refuse)
    assert not keeps_rights(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_may_hold_files_of_ones_own(tmp_path, monkeypatch):
    real = Path.chmod
    monkeypatch.setattr(Path, "chmod", lambda p, mode: refuse() if p.is_dir() else real(p, mode))
    assert keeps_rights(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_protects_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "chmod", refuse)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert keeps_rights(tmp_path)
