"""Files arrive whole and as published, whatever the server, the network or the disk does."""

import hashlib
import socket
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from typer.testing import CliRunner

from onedheat.cli import app
from onedheat.data import datasets
from onedheat.data.datasets import Download
from onedheat.data.download import DownloadError, fetch

CHUNK = 65536
BODY = np.random.default_rng(0).bytes(3_000_000)


@dataclass
class Server:
    """What the test server does, and what it was asked.

    Attributes:
        cuts: after how many bytes each of the next answers breaks off.
        status: of every answer, where it is not to be 200 or 206.
        ranges: whether it answers requests for a part.
        asked: the Range header of each request.
    """

    address: str = ""
    body: bytes = BODY
    cuts: list[int] = field(default_factory=list)
    status: int | None = None
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server():
    does = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            does.asked.append(asked)
            start = int(asked[6:-1]) if asked and does.ranges else 0
            if does.status or start >= len(does.body):
                self.send_error(does.status or 416)
                return
            part = does.body[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part[: does.cuts.pop(0)] if does.cuts else part)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    does.address = f"http://127.0.0.1:{running.server_port}/faces.zip"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield does
    running.shutdown()
    running.server_close()


def wanted(server: Server, **changes) -> Download:
    digest = hashlib.sha256(BODY).hexdigest()
    return replace(Download(server.address, "faces.zip", f"sha256:{digest}", "the test"), **changes)


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_and_is_not_fetched_twice(server, tmp_path):
    path = fetch(wanted(server), tmp_path / "new folder")
    assert path.read_bytes() == BODY and names(path.parent) == ["faces.zip"]
    fetch(wanted(server), tmp_path / "new folder")
    assert server.asked == [None]


def test_a_cut_connection_is_gone_on_with_at_once(server, tmp_path):
    server.cuts = [16 * CHUNK, 8 * CHUNK + 100]
    assert fetch(wanted(server), tmp_path).read_bytes() == BODY
    assert server.asked == [None, f"bytes={16 * CHUNK}-", f"bytes={24 * CHUNK}-"]
    assert names(tmp_path) == ["faces.zip"]


def test_what_arrived_is_kept_for_the_next_call_when_nothing_more_comes(server, tmp_path):
    server.cuts = [16 * CHUNK, 0]
    with pytest.raises(DownloadError, match="goes on after the 1,048,576 bytes that have arrived"):
        fetch(wanted(server), tmp_path)
    assert names(tmp_path) == [".faces.zip.part"]
    assert fetch(wanted(server), tmp_path).read_bytes() == BODY
    assert server.asked[-1] == f"bytes={16 * CHUNK}-" and names(tmp_path) == ["faces.zip"]


def test_a_server_that_knows_no_parts_is_read_from_the_start(server, tmp_path):
    server.ranges = False
    (tmp_path / ".faces.zip.part").write_bytes(BODY[:1000])
    assert fetch(wanted(server), tmp_path).read_bytes() == BODY


def test_a_part_that_was_whole_already_needs_no_byte_more(server, tmp_path):
    (tmp_path / ".faces.zip.part").write_bytes(BODY)
    assert fetch(wanted(server), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("part", [b"", b"of another file" * 10, BODY + b"too long"])
def test_what_is_not_the_published_file_is_not_kept(server, tmp_path, part):
    server.body = BODY[:-1] + b"?"
    if part:
        (tmp_path / ".faces.zip.part").write_bytes(part)
    with pytest.raises(
        DownloadError, match=r"its checksum is not sha256:.*, which the test states"
    ):
        fetch(wanted(server), tmp_path)
    assert names(tmp_path) == []


def test_a_stale_part_costs_one_try_and_no_more(server, tmp_path):
    (tmp_path / ".faces.zip.part").write_bytes(b"of another file")
    with pytest.raises(DownloadError, match="checksum"):
        fetch(wanted(server), tmp_path)
    assert fetch(wanted(server), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_error_of_the_server_is_said_in_one_sentence(server, tmp_path, status):
    server.status = status
    with pytest.raises(DownloadError, match=rf"was refused by its server \({status} "):
        fetch(wanted(server), tmp_path)
    assert names(tmp_path) == []


def test_no_network_is_said_in_one_sentence(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/x"
    download = Download(closed, "x", "sha256:" + "0" * 64, "the test")
    with pytest.raises(
        DownloadError, match=r"could not be reached .*check the network and try again$"
    ):
        fetch(download, tmp_path)
    assert names(tmp_path) == []


def test_a_disk_that_cannot_be_written_is_said_in_one_sentence(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="could not be written"):
        fetch(wanted(server), tmp_path / "file")
    (tmp_path / ".faces.zip.part").mkdir()
    with pytest.raises(DownloadError, match=r"could not be written \(Is a directory\)"):
        fetch(wanted(server), tmp_path)


def test_a_full_disk_leaves_what_arrived_and_no_file_of_the_name(server, tmp_path):
    class Full:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def write(self, chunk):
            raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        path = type(tmp_path)
        before = path.open
        patch.setattr(
            path, "open", lambda self, *a: Full(before(self, *a)) if "part" in self.name else before(self, *a)
        )  # fmt: skip
        with pytest.raises(DownloadError, match="No space left on device.*free some space"):
            fetch(wanted(server), tmp_path)
    assert names(tmp_path) == [".faces.zip.part"]
    assert fetch(wanted(server), tmp_path).read_bytes() == BODY


# The command -----------------------------------------------------------------------------------------


@pytest.fixture
def offered(server, monkeypatch):
    entry = replace(datasets.DATASETS["300w"], downloads=(wanted(server),), terms="be kind")
    monkeypatch.setitem(datasets.DATASETS, "300w", entry)


def run(*arguments, **more):
    return CliRunner().invoke(app, ["data", "get", *map(str, arguments)], **more)


def test_terms_are_shown_and_asked_before_anything_is_fetched(offered, server, tmp_path):
    said = run("300w", tmp_path, input="n\n")
    assert said.exit_code == 1 and "terms: be kind" in said.stdout and server.asked == []
    said = run("300w", tmp_path, input="y\n")
    assert said.exit_code == 0 and "checksum as published" in said.stdout
    assert names(tmp_path) == ["faces.zip"]
    assert run("300w", tmp_path / "other", "--yes").exit_code == 0
    assert run("300w").exit_code == 2


def test_a_failed_download_ends_in_one_sentence(offered, server, tmp_path):
    server.status = 503
    said = run("300w", tmp_path, "--yes")
    assert said.exit_code == 1 and "was refused by its server" in said.stderr
    assert "Traceback" not in said.output


@pytest.mark.parametrize("name", [n for n, one in datasets.DATASETS.items() if not one.made])
def test_what_may_not_be_fetched_is_told_where_to_be_asked_for(name):
    said = run(name)
    assert said.exit_code == 0 and datasets.DATASETS[name].page in said.stdout
    assert datasets.DATASETS[name].layout in said.stdout and "nothing is fetched" in said.stdout


def test_a_folder_of_ones_own_is_here_already(tmp_path):
    assert "is here already" in run(tmp_path).stdout
    assert run("coco").exit_code == 1
