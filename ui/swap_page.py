"""Faces of some photos are put onto the faces of another one, or of a video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QInputDialog,
    QMenu,
    QPushButton,
    QWidget,
)

from faceapp.edit.card import Card
from faceapp.edit.cast import CastChoices
from faceapp.errors import Cancelled, FaceAppError
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.tasks.enrol import sample_photos
from faceapp.types import Box, Photo
from ui.cameras import Cameras
from ui.card_view import CardView
from ui.casting_canvas import CastingCanvas
from ui.casting_panel import LEFT_ALONE, CastingPanel
from ui.face_mark import FaceMark, MarkState
from ui.frame_bar import FrameBar
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.latest import Latest
from ui.photo_list import ItemState
from ui.photo_page import PhotoPage
from ui.photo_shelf import Shelf
from ui.photo_source import PhotoSource
from ui.photo_well import PhotoWell
from ui.picture import Picture
from ui.swap_controls import SwapControls
from ui.swap_file import LANE, SwapFile, SwapOrder
from ui.swap_target import PhotoTarget, Planned, Shown, SwapTarget, VideoTarget, target_of
from ui.widgets import primary_button, scrolling, stacked

SIZES = [256, 616, 344]
# When the sliders have been still for so long, the result is made at full size and checked.
CALM_MS = 500


class SwapPage(PhotoPage):
    """Left: the faces to take, and the photos to put them into. Centre: before and after. Right: who goes
    where, how, and what the program says of the result."""

    def __init__(
        self, services: Services, jobs: JobsQt, parent: QWidget | None = None, cameras: Cameras | None = None
    ) -> None:
        super().__init__(services, jobs, parent)
        self._shelf = Shelf()
        self._target: SwapTarget | None = None
        self._opened = False
        self._opening: Job | None = None
        self._planned: Planned | None = None
        self._chosen: dict[int, int] = {}
        self._shown: list[int] = []
        self._cards: dict[int, Card] = {}
        self.sources = PhotoWell(jobs, cameras, title=self.tr("Faces to take"), compact=True)
        self.targets = PhotoWell(jobs, cameras, title=self.tr("Put them into"), compact=True, videos=True)
        self.well = self.targets
        self.canvas = CastingCanvas()
        self.frames = FrameBar()
        self.outlines = QCheckBox(self.tr("Show who goes where"))
        self.casting = CastingPanel()
        self.controls = SwapControls()
        self.card = CardView()
        self.file = SwapFile(services, jobs, self.messages, self._shelf, self)
        self.save_button = primary_button("save", self.tr("Save as…"))
        self.batch_button = QPushButton(icon("folder"), self.tr("Into a folder…"))
        self._plans = Latest(jobs, self.tr("Who goes where"), LANE, self)
        self._previews = Latest(jobs, self.tr("Preview"), LANE, self)
        self._checks = Latest(jobs, self.tr("Self-check"), LANE, self)
        self._calm = QTimer(self, singleShot=True, interval=CALM_MS)
        self._lay_out()
        self._connect()
        self._show_start()
        self.refresh()
        self.setFocusProxy(self.sources.browse_button)

    def _lay_out(self) -> None:
        self.outlines.setChecked(True)
        self.batch_button.setToolTip(self.tr("Put these faces into every photo of a folder"))
        wells, middle, right = QWidget(), QWidget(), QWidget()
        left = stacked(wells)
        left.addWidget(self.sources, 1)
        left.addWidget(self.targets, 1)
        centre = stacked(middle)
        centre.addWidget(self.canvas, 1)
        centre.addWidget(self.frames)
        centre.addWidget(self.outlines, 0, Qt.AlignLeft)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.batch_button, 1)
        buttons.addWidget(self.save_button, 1)
        inside = QWidget()
        choices = stacked(inside)
        choices.setContentsMargins(0, 0, 8, 0)
        choices.addWidget(self.casting)
        choices.addWidget(self.controls)
        choices.addWidget(self.card)
        choices.addStretch(1)
        panel = stacked(right)
        panel.addWidget(scrolling(inside), 1)
        panel.addLayout(buttons)
        self._place_zones("swap", ((wells, 216), (middle, 232), (right, 320)), SIZES)

    def _connect(self) -> None:
        self._listen_to(self.sources, self.targets)
        self.sources.photos_added.connect(self._on_sources_added)
        for well in (self.sources, self.targets):
            well.removal_wanted.connect(partial(self._on_removal_wanted, well))
        self.targets.current_changed.connect(self._on_target_chosen)
        self.canvas.empty.chosen.connect(self.choose_photos)
        self.canvas.empty.other_chosen.connect(self.try_sample)
        self.canvas.source_dropped.connect(lambda mark, source: self.choose(self._shown[mark], source))
        self.canvas.face_selected.connect(self._show_card)
        self.canvas.set_menu(self._menu)
        self.outlines.toggled.connect(self.canvas.set_outlined)
        self.frames.moved.connect(self._on_frame_moved)
        self.casting.cast.connect(self.choose)
        self.casting.released.connect(self._on_released)
        self.casting.pointed_at.connect(self._on_pointed_at)
        self.controls.changed.connect(self._preview)
        self.controls.recast_wanted.connect(self._plan)
        self.controls.preset_kept.connect(self._on_preset_kept)
        self.controls.preset_dropped.connect(self.drop_preset)
        self._calm.timeout.connect(self._check)
        self.save_button.clicked.connect(self._on_save_clicked)
        self.batch_button.clicked.connect(self._on_batch_clicked)

    # -- what the window asks -----------------------------------------------------------------------

    def open_photos(self, photos: Sequence[Photo]) -> None:
        """The first is the one whose faces are replaced, the others give the faces."""
        if photos[1:]:
            self.sources.add([PhotoSource.ready(photo) for photo in photos[1:]])
        self.open_photo(photos[0])

    @property
    def inlet(self) -> PhotoWell:
        """The faces first, then what they are put into."""
        return self.targets if self.sources.model.rowCount() else self.sources

    def choose_place(self) -> bool:
        ready = self.save_button.isEnabled()
        if ready:
            self._on_save_clicked()
        return ready

    def refresh(self) -> None:
        """Somebody in the library may have got a name, or said that their face is not to be swapped."""
        self.controls.show_engines(self.services.models.plugins.ready)
        self.controls.show_presets(self.services.swaps.presets())
        self._plan()

    def stop(self) -> None:
        self._calm.stop()
        for work in (self._plans, self._previews, self._checks):
            work.drop()

    def try_sample(self) -> None:
        """The sample portraits: the first one's face onto the second one."""
        try:
            (first, one), (second, other) = sample_photos()
        except FaceAppError as error:
            self.messages.show_error(error)
            return
        self.sources.add([PhotoSource(first, path=one)])
        self.targets.add([PhotoSource(second, path=other)])

    # -- photos that come and go ----------------------------------------------------------------------

    def _on_sources_added(self, _: list[int]) -> None:
        self._chosen.clear()
        self._plan()
        self._show_start()

    def _on_removal_wanted(self, well: PhotoWell, keys: list[int]) -> None:
        well.remove(keys)
        self.messages.clear_error()
        if well is self.sources:
            self._chosen.clear()
            self._plan()

    def _on_target_chosen(self, key: int) -> None:
        source = self.targets.source(key)
        if self._target is not None and source is self._target.source:
            return
        self._forget_target()
        self.messages.clear_error()
        if source is None:
            self._show_start()
            return
        target = self._target = target_of(self.services, self._shelf, source)
        is_video = isinstance(target, VideoTarget)
        doing = self.tr("Looking at {name}…") if is_video else self.tr("Opening {name}…")
        self.canvas.set_busy(doing.format(name=source.name))
        self._opening = self.jobs.run(
            doing.format(name=source.name),
            target.open,
            lambda picture: self._on_target_opened(target, picture),
            lambda error: self._on_target_unread(target, key, error),
            resource=LANE,
            kind="survey" if is_video else "view",
            owner=self,
        )

    def _forget_target(self) -> None:
        self.jobs.cancel(self._opening)
        self._target = None
        self._opened = False
        self._chosen.clear()
        self._forget_plan()
        self.canvas.set_picture(None)
        self.canvas.set_busy("")
        self.frames.show_frames(1, float)

    def _on_target_opened(self, target: SwapTarget, picture: Picture) -> None:
        if target is not self._target:
            return
        self._opened = True
        self.canvas.set_busy("")
        self.canvas.set_picture(picture)
        self.frames.show_frames(target.frames, target.seconds)
        self._plan()

    def _on_target_unread(self, target: SwapTarget, key: int, error: FaceAppError) -> None:
        if target is not self._target:
            return
        self.canvas.set_busy("")
        if isinstance(error, Cancelled):
            self.canvas.empty.say("cancel", self.tr("Stopped."), "", self.tr("Choose a photo…"))
            return
        self.targets.model.change(key, ItemState.REFUSED, error.sentence)
        self.canvas.empty.say("photo", error.sentence, error.hint, self.tr("Choose another photo…"))
        self.messages.show_error(error)

    def _show_start(self) -> None:
        if self._target is not None:
            return
        if self.sources.model.rowCount():
            title = self.tr("Now the photo to put the faces into")
            text = self.tr("Drop it here: a portrait or a crowd. Each face goes to the one most like it.")
        else:
            title = self.tr("Whose face goes where?")
            text = self.tr("Drop the faces to take on the left above, and the photo to put them into here.")
        buttons = self.tr("Choose a photo…"), self.tr("Try it with a sample")
        self.canvas.empty.say("swap", title, text, *buttons)

    # -- casting ------------------------------------------------------------------------------------------

    @property
    def choices(self) -> CastChoices:
        locks = {face: source for face, source in self._chosen.items() if source != LEFT_ALONE}
        leave = frozenset(face for face, source in self._chosen.items() if source == LEFT_ALONE)
        return CastChoices(
            locks=locks,
            leave=leave,
            max_distance=self.controls.nearest.value(),
            everyone=self.controls.everyone.isChecked(),
        )

    def choose(self, face: int, source: int) -> None:
        """The user says who goes onto a face of the photo; LEFT_ALONE for nobody."""
        self._chosen[face] = source
        self._plan()

    def _on_released(self, face: int) -> None:
        self._chosen.pop(face, None)
        self._plan()

    def _plan(self) -> None:
        self._forget_result()
        if self._target is None or not self._opened:
            return
        self.canvas.set_busy(self.tr("Looking for faces…") if self._planned is None else "")
        self._plans.ask(
            partial(self._target.plan, sources=self.sources.sources, choices=self.choices),
            self._on_planned,
            self._on_failed,
        )

    def _on_planned(self, planned: Planned) -> None:
        assert self._target is not None
        self.canvas.set_busy("")
        before, self._planned = self._planned, planned
        if before is None or _others(before, planned):
            self.casting.show_people(planned.faces, planned.sources, planned.names)
            self.casting.follow(self.outlines)
        self.casting.show_casts(planned.casts, self._chosen)
        self._show_marks(self._target.boxes(planned, self.frames.frame))
        self.frames.show_doubts(self._target.doubts(planned))
        refusals = [f"{one.sentence} {one.hint}".strip() for one in planned.refusals]
        if refusals:
            self.messages.show_message(refusals[0], " ".join(refusals[1:]), kind="warning")
        self._tell_buttons()
        self._preview()

    def _show_marks(self, boxes: Sequence[tuple[int, Box]]) -> None:
        """The faces of the picture, with who is put onto them."""
        assert self._planned is not None
        chosen = self._shown[self.canvas.selected] if self.canvas.selected >= 0 else None
        self._shown = [face for face, _ in boxes]
        selected = self._shown.index(chosen) if chosen in self._shown else -1
        self.canvas.set_marks([self._mark(face, box) for face, box in boxes], selected)
        sources = {mark: self._planned.casts[face].source for mark, face in enumerate(self._shown)}
        self.canvas.set_sources(
            {
                mark: self._planned.sources[source]
                for mark, source in sources.items()
                if source is not None
            }
        )

    def _mark(self, face: int, box: Box) -> FaceMark:
        assert self._planned is not None
        cast = self._planned.casts[face]
        if cast.source is None:
            reason = self._planned.reasons[face] if self._planned.names else ""
            return FaceMark(box, "", reason, MarkState.PLAIN, reason)
        name = self._planned.names[cast.source]
        label = self.tr("← {name}").format(name=name)
        tip = self.tr("{name} goes here. Distance {distance:.3f}").format(name=name, distance=cast.distance)
        return FaceMark(box, label, tip, MarkState.READY, tip)

    def _on_pointed_at(self, face: int) -> None:
        """A row: its face is selected on the picture, and found in the video where it is not on it."""
        target, planned = self._target, self._planned
        if face in self._shown:
            self.canvas.select(self._shown.index(face))
        elif isinstance(target, VideoTarget) and planned is not None:
            self.frames.slider.setValue(target.best_frame(face))

    def _on_frame_moved(self) -> None:
        self._preview()

    def _on_failed(self, error: FaceAppError) -> None:
        self.canvas.set_busy("")
        self.messages.show_error(error)

    def _forget_plan(self) -> None:
        self._plans.drop()
        self._planned = None
        self._shown = []
        self.casting.show_people((), (), ())
        self.canvas.set_sources({})
        self._forget_result()

    # -- the result ------------------------------------------------------------------------------------------

    def _forget_result(self) -> None:
        self._calm.stop()
        self._previews.drop()
        self._checks.drop()
        self._cards = {}
        self.card.say("")
        self._tell_buttons()

    def _preview(self) -> None:
        """Show what the settings make, quickly; the check follows when they have been still."""
        self._checks.drop()
        self._cards = {}
        planned, target = self._planned, self._target
        if planned is None or target is None or not (planned.changes_something or target.frames > 1):
            self.canvas.set_result(None)
            self.card.say("")
            return
        is_photo = isinstance(target, PhotoTarget)
        self.card.say(self.tr("The result is checked when you pause.") if is_photo else "")
        self._previews.ask(
            partial(
                target.preview, planned=planned, settings=self.controls.settings, frame=self.frames.frame
            ),
            self._on_shown,
            self._on_failed,
        )
        if is_photo:
            self._calm.start()

    def _on_shown(self, shown: Shown) -> None:
        if self.canvas.picture is not shown.before:
            self.canvas.change_picture(shown.before)
            self._show_marks(shown.boxes)
        self.canvas.set_result(shown.after)
        if shown.cards:
            self._cards = {card.target: card for card in shown.cards}
            self._show_card(self.canvas.selected)

    def _check(self) -> None:
        planned, target = self._planned, self._target
        if planned is None or target is None or not planned.changes_something:
            return
        if self._previews.busy:
            self._calm.start()
            return
        self._checks.ask(
            partial(target.check, planned=planned, settings=self.controls.settings, frame=self.frames.frame),
            lambda shown: self._on_shown(shown) if shown is not None else None,
            self._on_failed,
        )

    def _show_card(self, mark: int) -> None:
        """The card of the selected face, else of the one that is most in doubt."""
        face = self._shown[mark] if mark >= 0 else -1
        if face in self._cards:
            self.card.show_card(self._cards[face])
        elif self._cards and face < 0:
            self.card.show_card(max(self._cards.values(), key=lambda card: card.doubt))
        elif self._cards:
            self.card.say(self.tr("This face is left as it is."))

    def _tell_buttons(self) -> None:
        can_save = self._planned is not None and self._planned.changes_something
        is_video = isinstance(self._target, VideoTarget)
        self.batch_button.setVisible(not is_video)
        self.save_button.setText(self.tr("Make the video…") if is_video else self.tr("Save as…"))
        self.save_button.setEnabled(can_save)
        self.batch_button.setEnabled(bool(self.sources.model.rowCount()))

    # -- files -----------------------------------------------------------------------------------------------

    def _on_save_clicked(self) -> None:
        path = self.file.ask(self._target) if self._target is not None else None
        if path is not None:
            self.save(path)

    def save(self, path: Path) -> None:
        """Write the result at full size, marked as edited in its metadata; a video takes its time."""
        if self._planned is not None and self._target is not None:
            order = SwapOrder(self.sources.sources, self.controls.settings, self.choices)
            self.file.write(self._target, self._planned, order, path)

    def _on_batch_clicked(self) -> None:
        folders = self.file.ask_folders()
        if folders is not None:
            self.swap_folder(*folders)

    def swap_folder(self, folder: Path, out: Path) -> None:
        """Put the faces into every photo of a folder; the jobs dock shows how it goes."""
        # Who was chosen by hand belongs to the photo that is shown.
        choices = replace(self.choices, locks={}, leave=frozenset())
        self.file.write_folder(SwapOrder(self.sources.sources, self.controls.settings, choices), folder, out)

    def _on_preset_kept(self) -> None:
        title, label = self.tr("Keep these settings"), self.tr("Name of the preset")
        name, given = QInputDialog.getText(self, title, label)
        if given:
            self.keep_preset(name)

    def keep_preset(self, name: str) -> None:
        """Keep the settings under a name."""
        self._change_presets(partial(self.services.swaps.save_preset, name, self.controls.settings))

    def drop_preset(self, name: str) -> None:
        """Forget a preset; the settings stay as they are, and can be kept again."""
        kept = self.controls.settings
        if not self._change_presets(partial(self.services.swaps.delete_preset, name)):
            return
        said = self.tr("The preset “{name}” was deleted.").format(name=name)
        again = partial(self._change_presets, partial(self.services.swaps.save_preset, name, kept))
        self.messages.show_message(said, kind="success", action=(self.tr("Undo"), again), seconds=20)

    def _change_presets(self, change: Callable[[], object]) -> bool:
        """False where it was refused, which is said."""
        try:
            change()
        except FaceAppError as error:
            self.messages.show_error(error)
            return False
        self.controls.show_presets(self.services.swaps.presets())
        return True

    # -- the menu of a face ------------------------------------------------------------------------------

    def _menu(self, mark: int) -> QMenu | None:
        if self._planned is None or mark < 0:
            return None
        face = self._shown[mark]
        menu = QMenu(self.canvas)
        for source, name in enumerate(self._planned.names):
            action = menu.addAction(icon("swap"), self.tr("Put {name} here").format(name=name))
            action.triggered.connect(lambda _=False, source=source: self.choose(face, source))
        menu.addSeparator()
        leave = menu.addAction(icon("leave-out"), self.tr("Leave this face as it is"))
        leave.triggered.connect(lambda: self.choose(face, LEFT_ALONE))
        if face in self._chosen:
            free = menu.addAction(icon("refresh"), self.tr("Let the program choose"))
            free.triggered.connect(lambda: self._on_released(face))
        return menu


def _others(before: Planned, now: Planned) -> bool:
    """The rows show other faces or other people."""
    return len(before.faces) != len(now.faces) or before.names != now.names
