"""The file of a morph: what it may be called, and the job that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, QUrl
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import QFileDialog, QWidget

from faceapp.errors import FaceAppError
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.services.morphs import MorphSettings
from faceapp.tasks.morph import STILLS, MorphReport
from faceapp.types import Floats, Photo
from ui.jobs_qt import JobsQt
from ui.memory import Memory
from ui.messages import MessageBar
from ui.morph_controls import MadeBy
from ui.morph_job import Kind

if TYPE_CHECKING:
    from faceapp.tasks.latent_way import LatentWay


@dataclass(frozen=True, eq=False)
class MorphOrder:
    """What is to be written.

    points: by photo, None where they are found. place: where on the way a single picture is taken; None
    where no way is made. way: through a generator, None where the photos themselves are mixed.
    """

    photos: tuple[Photo, ...]
    names: tuple[str, ...]
    points: Sequence[Floats | None]
    settings: MorphSettings
    place: float | None
    kind: Kind = "way"
    made_by: MadeBy = "landmarks"
    way: LatentWay | None = None

    @property
    def still(self) -> bool:
        """Nothing moves: it is no way, or with sliders of their own the faces stand still on it."""
        return self.kind != "way" or (self.way is None and self.settings.shape is not None)


class MorphFile(QObject):
    """Asks for a name, has the file written behind the window, and says how it went."""

    def __init__(self, services: Services, jobs: JobsQt, messages: MessageBar, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._jobs = jobs
        self._messages = messages
        self._memory = Memory(services.paths)
        self._window = window
        self._drawing: Job | None = None

    @property
    def drawing(self) -> Job | None:
        """The job in which a generator draws: it must not be closed before that has ended."""
        return self._drawing

    def ask(self, order: MorphOrder) -> None:
        """Ask for a name and write."""
        stem = "-".join(order.names[:2]).replace(" ", "_") + ("-average" if order.kind == "average" else "")
        moving, pictures = self._kinds(order.settings)
        place = Path(self._memory.folder("results")) / stem
        kinds = pictures if order.still else f"{moving};;{pictures}"
        title = self.tr("Save the morph")
        name, kind = QFileDialog.getSaveFileName(self._window, title, str(place), kinds)
        if name:
            path = Path(name)
            whole = path if path.suffix else path.with_name(path.name + _first(kind))
            self.write(order, whole, still=kind == pictures)

    def _kinds(self, settings: MorphSettings) -> tuple[str, str]:
        """The files that can hold what is made: animations and pictures, as the dialog names them."""
        ground = settings.background
        if ground is not None and ground.kind == "transparent":
            return self.tr("Animation (*.webp *.gif *.apng)"), self.tr("Picture (*.png *.webp *.tif)")
        moving = self.tr("Animation (*.mp4 *.gif *.webp *.apng)")
        return moving, self.tr("Picture (*.png *.jpg *.webp *.tif)")

    def write(self, order: MorphOrder, path: Path, still: bool = False) -> None:
        """Write an animation, or a picture: `still`, or by the name, or where nothing else is made."""
        self._memory.keep_folder("results", path.parent)
        try:
            job = self._start(order, path, still or path.suffix.lower() in STILLS)
        except FaceAppError as error:
            self._messages.show_error(error)
            return
        if order.way is not None:
            self._drawing = job
        self._jobs.watch(job, partial(self._on_saved, job), partial(self._on_not_saved, job), owner=self)

    def _start(self, order: MorphOrder, path: Path, still: bool) -> Job:
        morphs, photos, settings, points = self._services.morphs, order.photos, order.settings, order.points
        if order.way is not None:
            asked = replace(settings, frames=1) if still else settings
            return morphs.start_latent(photos, path, order.made_by, asked, place=order.place, way=order.way)
        if order.kind == "average":
            return morphs.start_average(photos, path, settings, points=points)
        if still or order.still:
            return morphs.start_picture(photos, path, settings, points=points, place=order.place)
        return morphs.start_sequence(photos, path, settings, points=points)

    def _on_not_saved(self, job: Job, error: FaceAppError) -> None:
        self._forget(job)
        self._messages.show_error(error)

    def _on_saved(self, job: Job, report: MorphReport) -> None:
        self._forget(job)
        path = Path(report.out)
        show = (
            self.tr("Show the folder"),
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent))),
        )
        sentence = self.tr("Saved as {name}.").format(name=path.name)
        self._messages.show_message(sentence, kind="success", action=show)

    def _forget(self, job: Job) -> None:
        if self._drawing is not None and self._drawing.id == job.id:
            self._drawing = None


def _first(kind: str) -> str:
    """The first ending of a kind of file as the dialog names it: ".mp4" of "Animation (*.mp4 *.gif)"."""
    return "." + kind.partition("*.")[2].replace(")", " ").split()[0]
