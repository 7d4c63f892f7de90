"""The search for faces in a StyleGAN2 generator: its weights, how far the search is, and its end."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget

from faceapp.errors import Cancelled, FaceAppError
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.services.morphs import MorphPlan
from ui import latent_job, words
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.latent_job import GeneratorAbout, Opened, Told
from ui.widgets import stacked

if TYPE_CHECKING:
    from ui.plots import LossPlot

# A search must not hold up the slider, and only one generator has room in memory.
LANE = "latent"
NO_WEIGHTS = (
    "No generator comes with this program: those for faces may not be passed on freely. Add a file of"
    " weights that you may use; docs/stylegan2.md says which fit."
)


class GeneratorPanel(QWidget):
    """Signals:
    found: an `Opened` way, whose generator the receiver closes.
    previewed: a `Picture`, the best so far of the face that is searched for.
    failed: a FaceAppError.
    searching_changed: a search has begun or ended.
    """

    found = pyqtSignal(object)
    previewed = pyqtSignal(object)
    failed = pyqtSignal(object)
    searching_changed = pyqtSignal()
    _told = pyqtSignal(object)

    def __init__(self, services: Services, jobs: JobsQt) -> None:
        super().__init__()
        self._services = services
        self._jobs = jobs
        self._about: GeneratorAbout | None = None
        self._plan: MorphPlan | None = None
        self._job: Job | None = None
        self._wanted = self._complete = False
        self._last: Told | None = None
        self._left = ""
        self._losses: list[float] = []
        self.plot: LossPlot | None = None
        self._words = QLabel(wordWrap=True)
        self._words.setProperty("role", "quiet")
        self.add_button = QPushButton(icon("add"), self.tr("Add a weights file…"))
        self.search_button = QPushButton(icon("find"), self.tr("Search"))
        self.search_button.setToolTip(self.tr("Find the faces among those that the generator can draw"))
        self.stop_button = QPushButton(icon("stop"), self.tr("Stop"))
        self.stop_button.setToolTip(self.tr("End the search and keep the best that it has found"))
        self._status = QLabel(wordWrap=True)
        self._column = stacked(self)
        self._column.addWidget(self._words)
        self._column.addWidget(self.add_button)
        self._column.addWidget(self.search_button)
        self._column.addWidget(self.stop_button)
        self._column.addWidget(self._status)
        self.add_button.clicked.connect(self._on_add_clicked)
        self.search_button.clicked.connect(self.search)
        self.stop_button.clicked.connect(self.stop)
        self._told.connect(self._on_told)
        jobs.job_changed.connect(self._on_job_changed)
        self._show()

    # -- what the page asks ----------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What is said of the weights."""
        return str(self._words.text())

    @property
    def status(self) -> str:
        """What is said of the search."""
        return str(self._status.text())

    @property
    def searching(self) -> bool:
        return self._job is not None

    def look(self) -> None:
        """See whether there are weights."""
        self._words.setText(self.tr("Looking for a generator…"))
        self._jobs.run(
            self.tr("Generator"),
            partial(latent_job.generator, services=self._services),
            self._on_looked,
            self._on_refused,
            resource=LANE,
        )

    def set_plan(self, plan: MorphPlan | None) -> None:
        """The faces to search for. A search for others ends, and is not told of."""
        self.drop()
        self._plan, self._complete, self._losses = plan, False, []
        self._say("")
        self._show()

    def drop(self) -> None:
        """Nobody is interested in the search any more."""
        self._wanted = False
        self._jobs.cancel(self._job)

    # -- weights ---------------------------------------------------------------------------------------

    def _on_add_clicked(self) -> None:
        kinds = self.tr("Weights (*.safetensors *.pt *.pkl)")
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Add a weights file"), "", kinds)
        if name:
            self.add(Path(name))

    def add(self, path: Path) -> None:
        """Take a file of weights into the models folder, or say why not."""
        self._words.setText(self.tr("Reading {name}…").format(name=path.name))
        self._jobs.run(
            self.tr("Adding {name}").format(name=path.name),
            partial(latent_job.add_weights, services=self._services, source=path),
            self._on_looked,
            self._on_refused,
            resource=LANE,
        )

    def _on_looked(self, about: GeneratorAbout | None) -> None:
        self._about = about
        self._show()

    def _on_refused(self, error: FaceAppError) -> None:
        self._show()
        self.failed.emit(error)

    # -- the search ------------------------------------------------------------------------------------

    def search(self) -> None:
        """Search for every face of the plan, or take it up where it was stopped."""
        if self._plan is not None and self._about is not None and self._job is None:
            self._say(self.tr("Starting the generator: it takes a moment until the first step."))
            self._begin(True)

    def stop(self) -> None:
        """End the search; the best so far is used."""
        if self._job is not None:
            self._say(self.tr("Stopping…"))
            self._jobs.cancel(self._job)

    def _begin(self, search: bool) -> None:
        assert self._plan is not None, "a search needs faces"
        plan, self._wanted, self._last, self._left = self._plan, True, None, ""
        if search:
            self._losses = []
            title = self.tr("Search for {count} faces").format(count=len(plan.photos))
        else:
            title = self.tr("The best faces so far")
        self._job = self._jobs.run(
            title,
            partial(
                latent_job.open_generator,
                services=self._services,
                plan=plan,
                tell=self._told.emit,
                search=search,
            ),
            partial(self._on_found, search),
            self._on_ended,
            resource=LANE,
            kind="morph",
            owner=self,
        )
        self._show()
        self.searching_changed.emit()

    def _on_told(self, told: Told) -> None:
        if not self._wanted or self._plan is None:
            return
        if self._last is None or self._last.photo != told.photo:
            self._losses, self._left = [], ""
        self._last = told
        self._losses.append(told.step.losses["total"])
        self._loss_plot().show_losses(self._losses)
        self._tell_step()
        if told.picture is not None:
            self.previewed.emit(told.picture)

    def _on_job_changed(self, job: Job) -> None:
        running = self._job is not None and job.id == self._job.id and not job.finished
        if running and self._last is not None and job.seconds_left is not None:
            self._left = words.time_left(job.seconds_left)
            self._tell_step()

    def _tell_step(self) -> None:
        if self._last is None or self._plan is None:
            return
        step = self._last.step
        first = self.tr("Photo {photo} of {photos}, step {step} of {steps}").format(
            photo=self._last.photo + 1, photos=len(self._plan.photos), step=step.number, steps=step.total
        )
        parts = [self._left] if self._left else []
        if step.identity is not None:
            parts.insert(0, self.tr("Distance {0:.2f}").format(step.identity))
        self._say(f"{first}\n{', '.join(parts)}")

    def _on_found(self, searched: bool, opened: Opened) -> None:
        wanted = self._wanted
        self._end()
        if not wanted:
            self._jobs.run(self.tr("Generator"), lambda _: opened.way.close(), resource=LANE, owner=self)
            return
        said = [remark for remark in opened.way.remarks if "licence" not in remark]
        if not searched:
            said.insert(0, self.tr("Stopped: this is as far as it came. Search goes on from here."))
        self._complete = searched
        self._show()
        self._say("\n".join(said))
        self.found.emit(opened)

    def _on_ended(self, error: FaceAppError) -> None:
        if self._wanted and self._last is not None and isinstance(error, Cancelled):
            self._say(self.tr("Stopped. Drawing the best so far…"))
            self._begin(False)
            return
        wanted = self._wanted
        self._end()
        if not wanted:
            return
        if isinstance(error, Cancelled):
            self._say(self.tr("Stopped before there was anything to keep."))
        else:
            self._say("")
            self.failed.emit(error)

    def _end(self) -> None:
        self._job = None
        self._show()
        self.searching_changed.emit()

    # -- what is shown ---------------------------------------------------------------------------------

    def _show(self) -> None:
        about = self._about
        if about is None:
            self._words.setText(self.tr(NO_WEIGHTS))
        else:
            sentence = self.tr(
                "“{name}” draws faces of {side} pixels. A search takes about {minutes} a photo, and"
                " seconds for a photo that was searched before.\nLicence: {licence}"
            )
            minutes = words.counted(about.search_minutes, "minute", "minutes")
            self._words.setText(
                sentence.format(
                    name=about.name, side=about.resolution, minutes=minutes, licence=about.licence
                )
            )
        self.add_button.setVisible(about is None)
        self.search_button.setVisible(about is not None and self._job is None)
        self.stop_button.setVisible(self._job is not None)
        ready = self._plan is not None and self._job is None and not self._complete
        self.search_button.setEnabled(ready)
        if self.plot is not None:
            self.plot.setVisible(bool(self._losses))

    def _say(self, text: str) -> None:
        self._status.setText(text)
        self._status.setVisible(bool(text))

    def _loss_plot(self) -> LossPlot:
        """The curve; made when it is first needed, for pyqtgraph takes its time."""
        if self.plot is None:
            from ui.plots import LossPlot

            self.plot = LossPlot()
            self._column.insertWidget(self._column.indexOf(self._status), self.plot)
        self.plot.show()
        return self.plot
