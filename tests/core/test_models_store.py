"""Finding, checking and downloading the files of models."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faceapp.errors import BadRequest, Cancelled, ModelUnavailable
from faceapp.jobs import JobContext
from faceapp.models import store as store_module
from faceapp.models.base import ModelFile, ModelSpec
from faceapp.models.store import CHECKED, ModelStore, check_address

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def spec(*files: ModelFile) -> ModelSpec:
    return ModelSpec("toy", "detector", "Toy", files, load=lambda *_: None, licence="none")


def toy(url: str | None = None, sha256: str = SHA256) -> ModelFile:
    return ModelFile("toy.onnx", sha256, url=url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def put(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "toy.onnx"
    path.write_bytes(content)
    return path


# -- states -------------------------------------------------------------------------------------
def test_states_of_a_file(folder: Path) -> None:
    store = ModelStore(folder)
    assert store.state(spec(toy())) == "missing"
    path = put(folder)
    assert store.state(spec(toy())) == "ready"
    assert store.paths(spec(toy())) == [path]
    put(folder, CONTENT[:-1] + b"?")
    os.utime(path, ns=(1, 1))
    assert store.state(spec(toy())) == "broken"
    with pytest.raises(ModelUnavailable) as refusal:
        store.paths(spec(toy()))
    assert refusal.value.code == "model_broken"
    path.unlink()
    path.mkdir()
    assert store.state(spec(toy())) == "missing"


def test_the_worst_file_counts(folder: Path) -> None:
    put(folder)
    other = ModelFile("other.onnx", SHA256)
    assert ModelStore(folder).state(spec(toy(), other)) == "missing"
    with pytest.raises(ModelUnavailable) as refusal:
        ModelStore(folder).paths(spec(toy(), other))
    assert "other.onnx" in refusal.value.sentence
    assert str(folder) in refusal.value.hint


def test_a_packaged_file_is_found_without_importing_the_package(
    folder: Path, portrait_files: dict[str, Path]
) -> None:
    digest = hashlib.sha256(portrait_files["hopper"].read_bytes()).hexdigest()
    file = ModelFile("mpl-data/sample_data/grace_hopper.jpg", digest, package="matplotlib")
    assert ModelStore(folder).paths(spec(file)) == [portrait_files["hopper"]]


def test_a_package_that_is_not_installed(folder: Path) -> None:
    file = ModelFile("data/x.dat", SHA256, package="no_such_package_at_all")
    assert ModelStore(folder).state(spec(file)) == "missing"
    with pytest.raises(ModelUnavailable) as refusal:
        ModelStore(folder).paths(spec(file))
    assert "no_such_package_at_all" in refusal.value.hint


def test_a_file_is_read_once_until_it_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(folder)
    reads: list[Path] = []
    honest = store_module.sha256_of
    monkeypatch.setattr(store_module, "sha256_of", lambda file: reads.append(file) or honest(file))
    assert ModelStore(folder).state(spec(toy())) == "ready"
    assert ModelStore(folder).state(spec(toy())) == "ready"
    assert reads == [path]
    os.utime(path, ns=(5, 5))
    assert ModelStore(folder).state(spec(toy())) == "ready"
    assert len(reads) == 2


@pytest.mark.parametrize("junk", [b"", b"[1, 2]", b'{"a": 1}', b"\xff\xfe\x00", b'{"x": ["y", 1]}'])
def test_broken_notes_of_checks_are_no_harm(folder: Path, junk: bytes) -> None:
    put(folder)
    (folder / CHECKED).write_bytes(junk)
    assert ModelStore(folder).state(spec(toy())) == "ready"
    assert isinstance(json.loads((folder / CHECKED).read_text("utf-8")), dict)


# -- downloads ----------------------------------------------------------------------------------
@dataclass
class Site:
    """A local server: what it sends, and what it announces."""

    address: str = ""
    body: bytes = CONTENT
    length: int | None = len(CONTENT)
    status: int = 200
    location: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    sent = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.asked.append(self.path)
            self.send_response(sent.status)
            if sent.location:
                self.send_header("Location", sent.location)
            if sent.length is not None:
                self.send_header("Content-Length", str(sent.length))
            self.end_headers()
            self.wfile.write(sent.body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sent.address = f"http://127.0.0.1:{server.server_port}/toy.onnx"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield sent
    server.shutdown()
    thread.join()
    server.server_close()


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != CHECKED)


def test_a_download_is_checked_and_reports_its_progress(folder: Path, site: Site) -> None:
    reports: list[tuple[int, int | None]] = []
    context = JobContext(lambda done, total, **_: reports.append((done, total)), lambda: False)
    paths = ModelStore(folder).download(spec(toy(site.address)), context)
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert left_behind(folder) == ["toy.onnx"]
    assert reports[0] == (0, len(CONTENT))
    assert reports[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(reports) == reports


def test_a_file_that_is_there_is_not_fetched(folder: Path, site: Site) -> None:
    put(folder)
    ModelStore(folder).download(spec(toy(site.address)), JobContext.silent())
    assert site.asked == []


def test_a_broken_file_is_replaced(folder: Path, site: Site) -> None:
    path = put(folder, b"something else")
    ModelStore(folder).download(spec(toy(site.address)), JobContext.silent())
    assert path.read_bytes() == CONTENT


def test_a_server_that_does_not_say_how_long(folder: Path, site: Site) -> None:
    site.length = None
    ModelStore(folder).download(spec(toy(site.address)), JobContext.silent())
    assert left_behind(folder) == ["toy.onnx"]


@pytest.mark.parametrize(
    "fault",
    [
        {"body": CONTENT[:1000]},
        {"body": CONTENT[:1000], "length": 1000},
        {"body": CONTENT[:-1] + b"?"},
        {"body": b"", "length": 0},
        {"status": 404, "body": b"", "length": 0},
        {"status": 500, "body": b"", "length": 0},
    ],
    ids=["truncated", "shorter", "other bytes", "empty", "not found", "server error"],
)
def test_a_bad_download_leaves_nothing(folder: Path, site: Site, fault: dict[str, object]) -> None:
    for name, value in fault.items():
        setattr(site, name, value)
    with pytest.raises(ModelUnavailable) as refusal:
        ModelStore(folder).download(spec(toy(site.address)), JobContext.silent())
    assert refusal.value.code == "model_download"
    assert left_behind(folder) == []


def test_a_bad_download_keeps_what_was_there(folder: Path, site: Site) -> None:
    path = put(folder, b"the user's own")
    site.body = CONTENT[:-1] + b"?"
    with pytest.raises(ModelUnavailable):
        ModelStore(folder).download(spec(toy(site.address)), JobContext.silent())
    assert path.read_bytes() == b"the user's own"


def test_a_cancelled_download_leaves_nothing(folder: Path, site: Site) -> None:
    done: list[int] = []
    context = JobContext(
        lambda **progress: done.append(progress["done"]), lambda: bool(done and done[-1] > 0)
    )
    with pytest.raises(Cancelled):
        ModelStore(folder).download(spec(toy(site.address)), context)
    assert left_behind(folder) == []


def test_a_server_that_is_not_there(folder: Path, site: Site) -> None:
    nobody = "http://127.0.0.1:9/toy.onnx"
    with pytest.raises(ModelUnavailable):
        ModelStore(folder).download(spec(toy(nobody)), JobContext.silent())
    assert not folder.exists() or left_behind(folder) == []


def test_a_redirection_to_a_plain_address_is_refused(folder: Path, site: Site) -> None:
    site.status, site.body, site.length, site.location = 302, b"", 0, "http://example.invalid/toy.onnx"
    with pytest.raises(BadRequest):
        ModelStore(folder).download(spec(toy(site.address)), JobContext.silent())
    assert left_behind(folder) == []


def test_a_file_without_address_says_where_to_put_it(folder: Path) -> None:
    with pytest.raises(ModelUnavailable) as refusal:
        ModelStore(folder).download(spec(toy()), JobContext.silent())
    assert str(folder) in refusal.value.hint


def test_a_packaged_file_is_never_downloaded(folder: Path, site: Site) -> None:
    file = replace(toy(site.address), package="matplotlib")
    with pytest.raises(ModelUnavailable):
        ModelStore(folder).download(spec(file), JobContext.silent())
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "https://",
        "x.onnx",
        "http://127.0.0.1.example.com/x",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        check_address(url)


@pytest.mark.parametrize(
    "url", ["https://example.com/x", "http://localhost:80/x", "http://127.0.0.1/x", "http://[::1]/x"]
)
def test_addresses_that_are_allowed(url: str) -> None:
    check_address(url)
