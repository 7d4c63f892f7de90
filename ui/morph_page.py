"""One face turns into another; several are mixed; differences are exaggerated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from faceapp.errors import Cancelled, FaceAppError
from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.services.morphs import MorphPlan
from faceapp.tasks.enrol import sample_photos
from faceapp.types import Photo, title_of
from ui import latent_job, morph_job
from ui.between_view import BetweenView
from ui.cameras import Cameras
from ui.divider_canvas import DividerCanvas
from ui.generator_panel import GeneratorPanel
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.latent_job import Opened
from ui.latest import Latest
from ui.morph_controls import MorphControls
from ui.morph_file import MorphFile, MorphOrder
from ui.morph_job import Prepared
from ui.photo_page import PhotoPage
from ui.photo_shelf import Shelf
from ui.photo_source import PhotoSource
from ui.photo_well import PhotoWell
from ui.picture import Picture
from ui.points_by_hand import PointsByHand
from ui.way_bar import WayBar
from ui.widgets import primary_button, scrolling, stacked, tool_button
from ui.words import people_count

if TYPE_CHECKING:
    from faceapp.edit.retime import Pace

LANE = "morph"
SIZES = [256, 632, 328]
# One face is enough for an average with its mirror image; a way needs two.
FEWEST = 2
UNDRAWN = "This is the photo: no generator has drawn it yet."


class MorphPage(PhotoPage):
    """Left: the faces, in the order of the way. Centre: the mixture, and the slider that leads through it.
    Right: what is mixed how, and what is saved."""

    def __init__(
        self, services: Services, jobs: JobsQt, parent: QWidget | None = None, cameras: Cameras | None = None
    ) -> None:
        super().__init__(services, jobs, parent)
        self._shelf = Shelf()
        self._prepared: Prepared | None = None
        self._pace: Pace | None = None
        self._opened: Opened | None = None
        # What the way through a generator is of, or will be: what makes it, and the photos.
        self._key: tuple[str, tuple[PhotoSource, ...]] | None = None
        self.points = PointsByHand(services, jobs, self)
        self.file = MorphFile(services, jobs, self.messages, self)
        self.well = PhotoWell(jobs, cameras, title=self.tr("Faces to morph"), compact=True)
        self.earlier = tool_button("less", self.tr("Earlier on the way"))
        self.later = tool_button("more", self.tr("Later on the way"))
        self.points_button = QPushButton(icon("landmarks"), self.tr("Points…"))
        self.canvas = DividerCanvas()
        self.made = QLabel(wordWrap=True)
        self.way = WayBar()
        self.generator = GeneratorPanel(services, jobs)
        self.controls = MorphControls(self.generator)
        self.between = BetweenView(services, jobs)
        self.save_button = primary_button("save", self.tr("Save…"))
        self._plans = Latest(jobs, self.tr("Looking at the faces"), LANE, self)
        self._ways = Latest(jobs, self.tr("Faces of your library"), LANE, self)
        self._frames = Latest(jobs, self.tr("Morph"), LANE, self)
        self._paces = Latest(jobs, self.tr("Timing the steps of the morph"), "morph pace", self)
        self._lay_out()
        self._connect()
        self._show_start()
        self._tell_buttons()
        self.setFocusProxy(self.well.browse_button)

    def _lay_out(self) -> None:
        self.points_button.setToolTip(self.tr("Correct the points of the chosen face by hand"))
        left, middle, right = QWidget(), QWidget(), QWidget()
        faces = stacked(left)
        faces.addWidget(self.well, 1)
        order = QHBoxLayout()
        order.setSpacing(8)
        order.addWidget(self.points_button, 1)
        order.addWidget(self.earlier)
        order.addWidget(self.later)
        faces.addLayout(order)
        centre = stacked(middle)
        self.made.setProperty("role", "quiet")
        self.made.hide()
        centre.addWidget(self.made)
        centre.addWidget(self.canvas, 1)
        centre.addWidget(self.way)
        inside = QWidget()
        choices = stacked(inside)
        choices.setContentsMargins(0, 0, 8, 0)
        choices.addWidget(self.controls)
        choices.addWidget(self.between)
        choices.addStretch(1)
        panel = stacked(right)
        panel.addWidget(scrolling(inside), 1)
        panel.addWidget(self.save_button)
        self._place_zones("morph", ((left, 216), (middle, 232), (right, 296)), SIZES)

    def _connect(self) -> None:
        self._listen_to(self.well)
        self.well.photos_added.connect(lambda _: self._prepare())
        self.well.removal_wanted.connect(self._on_removal_wanted)
        self.well.current_changed.connect(lambda _: self._tell_buttons())
        self.earlier.clicked.connect(lambda: self._move(-1))
        self.later.clicked.connect(lambda: self._move(1))
        self.points_button.clicked.connect(self.edit_points)
        self.points.changed.connect(self._on_points_changed)
        self.canvas.empty.chosen.connect(self.well.browse)
        self.canvas.empty.other_chosen.connect(self.try_sample)
        self.way.moved.connect(self._on_way_moved)
        self.controls.apart.toggled.connect(self._on_way_moved)
        self.controls.changed.connect(self._on_controls_changed)
        self.controls.replan_wanted.connect(self._prepare)
        self.controls.kind_chosen.connect(self._on_kind_chosen)
        self.controls.route.currentIndexChanged.connect(self._on_route_chosen)
        self.generator.found.connect(self._on_opened)
        self.generator.previewed.connect(self._on_previewed)
        self.generator.failed.connect(self.messages.show_error)
        self.generator.searching_changed.connect(self._on_searching_changed)
        self.between.failed.connect(self.messages.show_error)
        self.save_button.clicked.connect(self._on_save_clicked)

    # -- what the window asks -----------------------------------------------------------------------

    def open_photos(self, photos: Sequence[Photo]) -> None:
        """Morph these and nothing else."""
        self.well.remove(self.well.model.keys())
        self.well.add([PhotoSource.ready(photo) for photo in photos])

    def choose_place(self) -> bool:
        ready = self.save_button.isEnabled()
        if ready:
            self._on_save_clicked()
        return ready

    def refresh(self) -> None:
        """Points may have been placed by hand, and somebody may not want to be morphed any more."""
        if self.controls.made_by == "pca":
            self._close_way()
        self._prepare()

    def stop(self) -> None:
        self.way.pause()
        for work in (self._plans, self._ways, self._frames, self._paces):
            work.drop()
        self.generator.drop()
        if self._opened is not None:
            self._opened.way.close()
            self._opened = None

    def try_sample(self) -> None:
        """The two sample portraits."""
        try:
            samples = sample_photos()
        except FaceAppError as error:
            self.messages.show_error(error)
            return
        self.well.add([PhotoSource(name, path=path) for name, path in samples])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key_Left: -1, Qt.Key_Right: 1}.get(event.key())
        led = self._prepared is not None and self.controls.makes == "way"
        if event.key() == Qt.Key_Space and led:
            self.way.toggle()
        elif step is not None and led:
            self.way.step(step)
        else:
            super().keyPressEvent(event)

    # -- faces that come and go -----------------------------------------------------------------------

    def _on_removal_wanted(self, keys: list[int]) -> None:
        self.well.remove(keys)
        self.messages.clear_error()
        self._prepare()

    def _move(self, by: int) -> None:
        self.well.model.move(self.well.list.current, by)
        self._prepare()

    def _on_kind_chosen(self) -> None:
        """What was prepared for something else is no ground for this."""
        self.way.pause()
        self._plans.drop()
        self._prepared = None
        self._prepare()

    def _prepare(self) -> None:
        """Bring the faces to one canvas, then show the mixture."""
        self._frames.drop()
        self._paces.drop()
        self._tell_buttons()
        sources = self.well.sources
        too_few = len(sources) < (1 if self.controls.makes == "average" else FEWEST)
        if too_few or self._too_many:
            self.way.pause()
            self._plans.drop()
            self._clear()
            self._show_start()
            return
        if self._prepared is None:
            self.canvas.set_busy(self.tr("Looking at the faces…"))
        self._plans.ask(
            partial(
                morph_job.prepare,
                services=self.services,
                shelf=self._shelf,
                sources=sources,
                settings=self.controls.settings,
                kind=self.controls.makes,
                points=self.points.of(sources),
            ),
            self._on_prepared,
            self._on_refused,
        )

    @property
    def _too_many(self) -> bool:
        """There is no face like both of so many."""
        return self.controls.makes == "alike" and len(self.well.sources) > FEWEST

    def _clear(self) -> None:
        """There is nothing to morph."""
        self._prepared = None
        self.way.show_names(())
        self._close_way()
        self.generator.set_plan(None)
        self.canvas.set_picture(None)
        self.canvas.set_busy("")
        self._tell_buttons()

    def _on_refused(self, error: FaceAppError) -> None:
        """The faces cannot be morphed: what was shown before is of other faces."""
        self._clear()
        self._on_failed(error)

    def _on_prepared(self, prepared: Prepared) -> None:
        self.canvas.set_busy("")
        self._prepared, self._pace = prepared, None
        names = [title_of(source.name) for source in prepared.sources]
        self.way.show_names([*names, names[0]] if prepared.plan.settings.loop else names)
        remarks = prepared.plan.remarks
        if remarks:
            self.messages.show_message(remarks[0], " ".join(remarks[1:]), kind="warning")
        if self.controls.latent:
            self._open_way(prepared)
        else:
            self._close_way()
            self._show_before(prepared.first)
            self._show_frame()
            if self.controls.makes == "way":
                self._ask_pace(partial(morph_job.pace, services=self.services, plan=prepared.plan))
        self._tell_buttons()

    def _show_before(self, picture: Picture) -> None:
        if self.canvas.picture is None:
            self.canvas.set_picture(picture)
        else:
            self.canvas.change_picture(picture)

    def _ask_pace(self, body: Callable[[JobContext], Pace]) -> None:
        self._paces.ask(body, self._on_paced, self._on_failed)

    def _on_failed(self, error: FaceAppError) -> None:
        self.canvas.set_busy("")
        self._tell_buttons()
        if isinstance(error, Cancelled):
            self.messages.show_message(self.tr("Stopped."), action=(self.tr("Go on"), self._prepare))
            self.canvas.empty.say("cancel", self.tr("Stopped."))
            return
        self.messages.show_error(error)
        if self._prepared is None:
            self.canvas.empty.say("morph", error.sentence, error.hint, self.tr("Choose another photo…"))

    def _show_start(self) -> None:
        if self._too_many:
            title = self.tr("This takes exactly two faces")
            text = self.tr("Remove photos until two are left, or make the average of all.")
            self.canvas.empty.say("morph", title, text)
            return
        count = self.well.model.rowCount()
        title = self.tr("One more face") if count else self.tr("Turn one face into another")
        text = self.tr("Drop photos of two or more people. Their faces are mixed, and you choose how much.")
        buttons = self.tr("Choose photos…"), "" if count else self.tr("Try it with a sample")
        self.canvas.empty.say("morph", title, text, *buttons)

    def _tell_buttons(self) -> None:
        drawn = self._prepared is not None and (self._opened is not None or not self.controls.latent)
        self.save_button.setEnabled(drawn)
        self.way.setEnabled(drawn)
        self.way.setVisible(self.controls.makes == "way")
        chosen = self.well.list.current >= 0
        for button in (self.points_button, self.earlier, self.later):
            button.setEnabled(chosen)

    # -- the way through a generator ---------------------------------------------------------------------

    def _on_route_chosen(self) -> None:
        self.messages.clear()
        if self.controls.made_by == "stylegan2":
            self.generator.look()

    def _open_way(self, prepared: Prepared) -> None:
        """Bring the faces into the space of the chosen generator, unless that is done or under way."""
        made_by = self.controls.made_by
        if self._key != (made_by, prepared.sources):
            self._close_way()
            self._key = made_by, prepared.sources
            self.canvas.set_picture(prepared.first)
            if made_by == "stylegan2":
                self.generator.set_plan(prepared.plan)
                self._say_made(self.tr(UNDRAWN))
                return
            self.canvas.set_busy(self.tr("Looking at the faces of your library…"))
            body = partial(latent_job.open_library, services=self.services, plan=prepared.plan)
            self._ways.ask(body, self._on_opened, self._on_way_failed)
        elif self._opened is not None:
            self._show_way(self._opened)

    def _on_opened(self, opened: Opened) -> None:
        self.canvas.set_busy("")
        self._opened = opened
        self._show_before(opened.before)
        self._say_made(self._made_by(opened))
        self._show_way(opened)
        self._tell_buttons()

    def _show_way(self, opened: Opened) -> None:
        self._show_frame()
        if self.controls.made_by == "pca":
            settings = self.controls.settings
            self._ask_pace(
                partial(latent_job.pace, services=self.services, way=opened.way, settings=settings)
            )

    def _on_way_failed(self, error: FaceAppError) -> None:
        self._close_way()
        self._on_failed(error)

    def _made_by(self, opened: Opened) -> str:
        way = opened.way
        if way.info.route == "stylegan2":
            return self.tr("Drawn by the generator “{name}”.").format(name=way.info.name)
        if not way.people:
            return self.tr("Drawn from these photos alone: your library has too few faces.")
        said = self.tr("Drawn from {people} of your library.").format(people=people_count(way.people))
        return f"{said} {self.tr('With 30 or more it draws better.')}" if way.remarks else said

    def _say_made(self, text: str) -> None:
        self.made.setText(text)
        self.made.setVisible(bool(text))

    def _on_searching_changed(self) -> None:
        if self.generator.searching:
            self._give_back()
            self.canvas.set_result(None)
            self._say_made(self.tr("The generator is at work."))
        elif self._opened is None and self._prepared is not None and self.controls.latent:
            self._show_before(self._prepared.first)
            self._say_made(self.tr(UNDRAWN))
        self._tell_buttons()

    def _on_previewed(self, picture: Picture) -> None:
        self._say_made(self.tr("The generator's best picture so far"))
        self._show_before(picture)

    def _close_way(self) -> None:
        """The way through a generator is of other faces, or not wanted any more."""
        self._key = None
        self._ways.drop()
        self.generator.set_plan(None)
        self._say_made("")
        self._give_back()

    def _give_back(self) -> None:
        """What a generator holds; to end its process takes a moment."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        self._frames.drop()

        def end(_: object = None) -> None:
            self.jobs.run(self.tr("Generator"), lambda _: opened.way.close(), owner=self)

        drawing = self.file.drawing
        if drawing is None:
            end()
        else:
            self.jobs.watch(drawing, end, end, owner=self)

    # -- the mixture -------------------------------------------------------------------------------------

    def _on_paced(self, pace: Pace) -> None:
        self._pace = pace
        self._show_frame()

    def _on_controls_changed(self) -> None:
        chosen = self.controls.settings
        self.way.set_pace(chosen.seconds, chosen.ping_pong)
        self._show_frame()

    def _on_way_moved(self) -> None:
        """Sliders of their own start from where the way is, and go along with it."""
        if self.controls.own and self._prepared is not None:
            self.controls.follow(self.place)
        self._show_frame()

    @property
    def plan(self) -> MorphPlan | None:
        """The faces with the settings of this moment."""
        if self._prepared is None:
            return None
        plan = self._prepared.plan
        return replace(plan, settings=replace(self.controls.settings, size=plan.settings.size))

    @property
    def place(self) -> float:
        """Where on the way the slider is, at the pace that was chosen."""
        from faceapp.edit.retime import eased

        assert self._prepared is not None, "there is a way"
        moment = np.array([self.way.moment])
        chosen = self.controls.settings
        if chosen.ease:
            moment = eased(moment, len(self._prepared.photos) + int(chosen.loop))
        if chosen.even and self._pace is not None:
            moment = self._pace(moment)
        return float(moment[0])

    def _show_frame(self) -> None:
        plan = self.plan
        if plan is None:
            return
        if self.controls.latent:
            if self._opened is None:
                return
            settings = self.controls.settings
            body = partial(latent_job.frame, way=self._opened.way, place=self.place, settings=settings)
        elif self.controls.makes == "average":
            body = partial(morph_job.average, services=self.services, plan=plan)
        elif self.controls.makes == "alike":
            self.canvas.set_busy(self.tr("Looking for the face that is like both…"))
            body = partial(morph_job.alike, services=self.services, plan=plan)
        else:
            body = partial(morph_job.frame, services=self.services, plan=plan, place=self.place)
        self._frames.ask(body, self._on_frame, self._on_failed)

    def _on_frame(self, picture: Picture) -> None:
        self.canvas.set_busy("")
        self.canvas.set_result(picture)

    # -- files ---------------------------------------------------------------------------------------------

    def _on_save_clicked(self) -> None:
        order = self._order()
        if order is not None:
            self.file.ask(order)

    def save(self, path: Path, still: bool = False) -> None:
        """Write what is set: an animation, the picture of this place (`still`), or the only one there is."""
        order = self._order()
        if order is not None:
            self.file.write(order, path, still)

    def _order(self) -> MorphOrder | None:
        """What would be saved now; None while there is nothing."""
        prepared, controls = self._prepared, self.controls
        if prepared is None or (controls.latent and self._opened is None):
            return None
        return MorphOrder(
            photos=prepared.photos,
            names=tuple(title_of(source.name) for source in prepared.sources),
            points=self.points.of(prepared.sources),
            settings=controls.settings,
            place=self.place if controls.makes == "way" else None,
            kind=controls.makes,
            made_by=controls.made_by,
            way=self._opened.way if self._opened is not None else None,
        )

    # -- points by hand ------------------------------------------------------------------------------------

    def edit_points(self) -> None:
        """Correct the points of the chosen face, beside the window."""
        source = self.well.source(self.well.list.current)
        if source is not None:
            self.points.edit(source)

    def _on_points_changed(self) -> None:
        # The generator has looked at other points.
        self._close_way()
        self._prepare()
