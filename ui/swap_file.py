"""The files of a swap: a picture, a video, or a folder of pictures, and the jobs that write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PyQt5.QtCore import QObject, QUrl
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import QFileDialog, QWidget

from faceapp.edit.cast import CastChoices
from faceapp.edit.swap import SwapSettings
from faceapp.errors import FaceAppError
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.tasks.swap import BatchReport
from faceapp.tasks.swap_video import HALF_WAY, VideoReport
from faceapp.types import Photo
from ui import words
from ui.jobs_qt import JobsQt
from ui.memory import Memory
from ui.messages import MessageBar
from ui.photo_shelf import Shelf
from ui.photo_source import PhotoSource
from ui.swap_target import Planned, SwapTarget, VideoTarget

LANE = "swap"


@dataclass(frozen=True, eq=False)
class SwapOrder:
    """What is to be written: whose faces go where, and how."""

    sources: Sequence[PhotoSource]
    settings: SwapSettings
    choices: CastChoices


class SwapFile(QObject):
    """Asks for names, has the files written behind the window, and says how it went."""

    def __init__(
        self, services: Services, jobs: JobsQt, messages: MessageBar, shelf: Shelf, window: QWidget
    ) -> None:
        super().__init__(window)
        self._services = services
        self._jobs = jobs
        self._messages = messages
        self._shelf = shelf
        self._memory = Memory(services.paths)
        self._window = window

    # -- one result --------------------------------------------------------------------------------

    def ask(self, target: SwapTarget) -> Path | None:
        """Where the result of a target is to be saved; None where the user thinks better of it."""
        given = Path(target.source.name)
        is_video = isinstance(target, VideoTarget)
        place = Path(self._memory.folder("results")) / f"{given.stem}-swapped{'.mp4' if is_video else '.jpg'}"
        pictures = self.tr("Pictures (*.jpg *.png *.webp *.tif)")
        kinds = self.tr("Videos (*.mp4 *.mkv *.mov)") if is_video else pictures
        title = self.tr("Save the result")
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(place), kinds)
        return Path(name) if name else None

    def write(self, target: SwapTarget, planned: Planned, order: SwapOrder, path: Path) -> None:
        """Write the result at full size, marked as edited in its metadata; a video takes its time."""
        self._memory.keep_folder("results", path.parent)
        if isinstance(target, VideoTarget):
            self._with_photos(order, partial(self._start_video, target=target, order=order, path=path))
            return
        sentence = self.tr("Saved as {name}.").format(name=path.name)
        self._jobs.run(
            self.tr("Save {name}").format(name=path.name),
            partial(target.save, planned=planned, settings=order.settings, path=path),
            lambda lost: self._said_saved(sentence, path.parent, "\n".join(lost)),
            self._messages.show_error,
            resource=LANE,
            kind="swap",
            owner=self,
        )

    # -- a video -----------------------------------------------------------------------------------

    def _start_video(self, photos: list[Photo], target: VideoTarget, order: SwapOrder, path: Path) -> None:
        start = self._services.swaps.start_video
        self._run_video(partial(start, photos, target.path, path, order.settings, order.choices))

    def _run_video(self, start: Callable[[], Job]) -> None:
        try:
            job = start()
        except FaceAppError as error:
            self._messages.show_error(error)
            return
        ended = partial(self._on_video_ended, again=partial(self._run_video, start))
        self._jobs.watch(job, self._on_video_made, ended, owner=self)

    def _on_video_ended(self, error: FaceAppError, again: Callable[[], object]) -> None:
        """What is finished of a video that was stopped is kept: it can go on."""
        if error.code == HALF_WAY:
            self._messages.show_message(error.sentence, action=(self.tr("Go on"), again))
        else:
            self._messages.show_error(error)

    def _on_video_made(self, report: VideoReport) -> None:
        made = Path(report.out)
        sentence = self.tr("{name} is ready: {n} of {all} frames were changed.").format(
            name=made.name, n=report.swapped, all=report.frames
        )
        self._said_saved(sentence, made.parent, "\n".join(report.remarks))

    # -- a folder ----------------------------------------------------------------------------------

    def ask_folders(self) -> tuple[Path, Path] | None:
        """Which folder to take photos from, and where the results go."""
        title = self.tr("Choose the folder with the photos to put the faces into")
        folder = QFileDialog.getExistingDirectory(self._window, title, self._memory.folder("photos"))
        if not folder:
            return None
        title = self.tr("Choose where the results go")
        out = QFileDialog.getExistingDirectory(self._window, title, self._memory.folder("results"))
        return (Path(folder), Path(out)) if out else None

    def write_folder(self, order: SwapOrder, folder: Path, out: Path) -> None:
        """Put the faces into every photo of a folder; the jobs dock shows how it goes."""
        self._memory.keep_folder("results", out)
        self._with_photos(order, partial(self._start_batch, order=order, folder=folder, out=out))

    def _start_batch(self, photos: list[Photo], order: SwapOrder, folder: Path, out: Path) -> None:
        try:
            job = self._services.swaps.start_batch(photos, folder, out, order.settings, order.choices)
        except FaceAppError as error:
            self._messages.show_error(error)
            return
        self._jobs.watch(job, self._on_batch_done, self._messages.show_error, owner=self)

    def _on_batch_done(self, report: BatchReport) -> None:
        saved, left = len(report.results), len(report.skipped)
        sentence = words.counted(saved, self.tr("result was saved."), self.tr("results were saved."))
        if left:
            said = words.counted(left, self.tr("photo was left out."), self.tr("photos were left out."))
            sentence += f" {said}"
        remarks = [(one.path, one.reason) for one in report.skipped]
        remarks += [(one.target, remark) for one in report.results for remark in one.remarks]
        details = "\n".join(f"{Path(path).name}: {remark}" for path, remark in remarks)
        self._said_saved(sentence, Path(report.out), details)

    # -- both --------------------------------------------------------------------------------------

    def _with_photos(self, order: SwapOrder, then: Callable[[list[Photo]], object]) -> None:
        """Read the photos with the faces to take, behind the window."""
        self._jobs.run(
            self.tr("Read the faces to take"),
            partial(self._shelf.read_all, sources=order.sources),
            then,
            self._messages.show_error,
            resource=LANE,
            owner=self,
        )

    def _said_saved(self, sentence: str, folder: Path, details: str = "") -> None:
        show = (
            self.tr("Show the folder"),
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))),
        )
        self._messages.show_message(sentence, kind="success", action=show, details=details)
