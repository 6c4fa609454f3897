"""Downloads from mirrors: a real server on this machine, and none."""

import hashlib
import http.server
import socket
import threading

import pytest

from ewc_lambda.data.sources.base import RemoteFile
from ewc_lambda.data.sources.download import fetch
from ewc_lambda.errors import StudyError

CONTENT = b"the published content"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(tmp_path_factory, monkeypatch):
    """Address of a server of a folder with the files good and bad."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path_factory.mktemp("served")
    (folder / "good").write_bytes(CONTENT)
    (folder / "bad").write_bytes(CONTENT[:-1])

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def nowhere(monkeypatch):
    """An address at which nobody listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def get(folder, *urls, name="file.gz"):
    return fetch({"data_folder": str(folder)}, "own", (RemoteFile(name, DIGEST, urls),))


def test_mirrors_are_tried_in_turn(tmp_path, server, nowhere):
    found = get(tmp_path, f"{nowhere}/good", f"{server}/missing", f"{server}/bad", f"{server}/good")
    assert found == {"file.gz": tmp_path / "own" / "file.gz"}
    assert found["file.gz"].read_bytes() == CONTENT


def test_wrong_content_is_not_kept(tmp_path, server):
    with pytest.raises(StudyError, match=r"file\.gz is missing.*wrong checksum, not kept"):
        get(tmp_path, f"{server}/bad")
    assert list((tmp_path / "own").iterdir()) == []


def test_without_network_one_message_says_what_to_do(tmp_path, nowhere):
    (tmp_path / "third.gz").write_bytes(b"here already")
    files = tuple(
        RemoteFile(name, DIGEST, (f"{nowhere}/{name}",))
        for name in ("first.gz", "second.gz", "third.gz")
    )
    with pytest.raises(StudyError) as caught:
        fetch({"data_folder": str(tmp_path)}, "own", files)
    message = str(caught.value)
    assert str(tmp_path / "own") in message
    assert "first.gz, second.gz are missing" in message
    assert "third.gz" not in message
    assert "by hand" in message
    assert "data_folder" in message
    assert "\n" not in message


@pytest.mark.parametrize("below", ["own", "."])
def test_files_at_hand_need_no_network(tmp_path, below):
    (tmp_path / below).mkdir(exist_ok=True)
    (tmp_path / below / "file.gz").write_bytes(b"checked where it is read")
    assert get(tmp_path) == {"file.gz": tmp_path / below / "file.gz"}


def test_data_folder_that_cannot_be_made(tmp_path, server):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StudyError, match=r"file/own: file\.gz is missing"):
        get(tmp_path / "file", f"{server}/good")
