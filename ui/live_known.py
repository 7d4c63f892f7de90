"""Sources that need not be looked for: webcams, remembered cameras, the last videos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal

from faceapp.errors import Conflict, FaceAppError
from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.stream.sources import SourceSpec
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY
from ui.memory import Memory

LANE = "live"
MOST_RECENT = 8
RECENT = "live/recent"


class KnownSources(QObject):
    """Signals:
    changed: there are others now.
    failed: a FaceAppError; the list could not be read or written.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(self, services: Services, jobs: JobsQt, memory: Memory, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._jobs = jobs
        self._memory = memory
        self._webcams: list[SourceSpec] = []
        self._cameras: dict[SourceSpec, str] = {}

    @property
    def all(self) -> list[SourceSpec]:
        return [*self._webcams, *self._cameras, *self._recent()]

    @property
    def kept(self) -> set[SourceSpec]:
        """Those that can be forgotten."""
        return {*self._recent(), *self._cameras}

    def find(self) -> None:
        """Look for webcams and read the remembered cameras."""

        def body(_: JobContext) -> tuple[list[SourceSpec], dict[SourceSpec, str]]:
            known = {
                replace(SourceSpec.parse(camera.address), name=camera.name): camera.name
                for camera in self._services.cameras.all()
            }
            return self._services.live.webcams(), known

        title = self.tr("Look for cameras")
        self._jobs.run(title, body, self._on_found, self.failed.emit, LANE, owner=self)

    def add_camera(self, spec: SourceSpec, name: str) -> None:
        """Remember a camera under that name; the port may open it from now on."""
        self._cameras[spec] = name
        self._write(lambda: self._services.cameras.add(name, spec.address))
        self.changed.emit()

    def add_recent(self, spec: SourceSpec) -> None:
        """Files and folders come back in the list; cameras are remembered when the user says so."""
        if spec.kind in ("file", "folder"):
            kept = [spec.address, *(each.address for each in self._recent() if each != spec)]
            self._memory.put(RECENT, kept[:MOST_RECENT])
            self.changed.emit()

    def forget(self, spec: SourceSpec) -> None:
        name = self._cameras.pop(spec, None)
        if name is not None:
            self._write(lambda: self._services.cameras.remove(name))
        self._memory.put(RECENT, [each.address for each in self._recent() if each != spec])
        self.changed.emit()

    def _recent(self) -> list[SourceSpec]:
        kept = self._memory.get(RECENT, [])
        paths = [kept] if isinstance(kept, str) else list(kept or [])
        found = []
        for path in paths:
            place = Path(path)
            if place.exists():
                found.append(SourceSpec("folder" if place.is_dir() else "file", path, place.name))
        return found

    def _on_found(self, found: tuple[list[SourceSpec], dict[SourceSpec, str]]) -> None:
        self._webcams, self._cameras = found
        self.changed.emit()

    def _write(self, change: Callable[[], object]) -> None:
        def failed(error: FaceAppError) -> None:
            if not isinstance(error, Conflict):  # a camera that is there already is no trouble
                self.failed.emit(error)

        self._jobs.run(self.tr("Cameras"), lambda _: change(), None, failed, LIBRARY, owner=self)
