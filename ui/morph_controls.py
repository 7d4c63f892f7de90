"""How faces are morphed: what is made of them, what makes it, what goes with the slider, the file."""

from __future__ import annotations

from typing import Literal

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QWidget,
)

from faceapp.edit.morph import LEAST, MOST, Background, Ground
from faceapp.services.morphs import (
    LARGEST,
    LONGEST_SECONDS,
    MOST_FRAMES,
    SMALLEST,
    MorphSettings,
)
from ui.fold import Fold
from ui.morph_job import Kind
from ui.slider_row import SliderRow
from ui.widgets import number_box, stacked

DEFAULTS = MorphSettings()
MadeBy = Literal["landmarks", "pca", "stylegan2"]


class MorphControls(QWidget):
    """Signals:
    changed: the picture is different, also while a slider moves. replan_wanted: the faces have to be
    prepared again. kind_chosen: something else is made of them.
    """

    changed = pyqtSignal()
    replan_wanted = pyqtSignal()
    kind_chosen = pyqtSignal()

    def __init__(self, panel: QWidget) -> None:
        """panel: what is said and done about a generator; shown while one draws."""
        super().__init__()
        self.panel = panel
        self._make_choices()
        self._make_sliders()
        self._make_fields()
        self._way = QWidget()
        self._own = QWidget()
        self._lay_out()
        self._connect()
        self._show_what_applies()

    def _make_choices(self) -> None:
        tr = self.tr
        routes = (
            ("landmarks", tr("Warped photos"), tr("The photos themselves, brought into one shape and mixed")),
            (
                "pca",
                tr("Faces of your library"),
                tr("Shapes and looks that the people of your library have; needs nothing else"),
            ),
            (
                "stylegan2",
                tr("StyleGAN2"),
                tr("A network of yours that draws faces; a search of minutes for each photo"),
            ),
        )
        self.route = QComboBox(accessibleName=tr("Made by"))
        for place, (value, text, tip) in enumerate(routes):
            self.route.addItem(text, value)
            self.route.setItemData(place, tip, Qt.ToolTipRole)
        kinds: tuple[tuple[Kind, str, str], ...] = (
            ("way", tr("Face to face"), tr("One face turns into the next")),
            ("average", tr("Average of all"), tr("One picture that all faces have an equal share in")),
            (
                "alike",
                tr("One face like both"),
                tr("The picture that is equally like two people, and as like them as can be;")
                + "\n"
                + tr("it takes a few seconds to find"),
            ),
        )
        self.kind = QComboBox(accessibleName=tr("What to make"))
        for place, (kind, text, tip) in enumerate(kinds):
            self.kind.addItem(text, kind)
            self.kind.setItemData(place, tip, Qt.ToolTipRole)
        self.background = QComboBox()
        grounds: tuple[tuple[str, Ground], ...] = (
            (tr("Fades over"), "dissolve"),
            (tr("Of the first photo"), "first"),
            (tr("Of the last photo"), "last"),
            (tr("Transparent"), "transparent"),
            (tr("White"), "colour"),
        )
        for text, ground in grounds:
            self.background.addItem(text, ground)

    def _make_sliders(self) -> None:
        tr = self.tr
        self.apart = QCheckBox(tr("Shape, colour, detail apart"))
        self.apart.setToolTip(
            tr("A slider each; beyond the ends the differences are exaggerated: a caricature.")
            + "\n"
            + tr("The slider below the picture moves all three. What is saved is one picture.")
        )
        self.shape = SliderRow(tr("Shape"), LEAST, MOST, 0.5)
        self.colour = SliderRow(tr("Colour"), LEAST, MOST, 0.5)
        self.detail = SliderRow(tr("Detail"), LEAST, MOST, 0.5)
        self.kept = SliderRow(
            tr("Detail of the photos"), 0, 1, 1,
            tip=tr("How much is kept of what the faces of your library cannot show"),
        )  # fmt: skip
        self.symmetry = SliderRow(tr("Symmetry"), 0, 1, 0)

    def _make_fields(self) -> None:
        tr = self.tr
        self.even = QCheckBox(tr("Identity moves evenly"))
        self.even.setChecked(DEFAULTS.even)
        self.ease = QCheckBox(tr("Slow at every face"))
        self.there_and_back = QCheckBox(tr("There and back"))
        self.loop = QCheckBox(tr("Round to the first face"))
        self.side = number_box(SMALLEST, LARGEST, DEFAULTS.size, tr(" pixels"))
        self.frames = number_box(2, MOST_FRAMES, DEFAULTS.frames)
        self.seconds = QDoubleSpinBox(minimum=0.1, maximum=LONGEST_SECONDS, decimals=1)
        self.seconds.setValue(DEFAULTS.seconds)
        self.seconds.setSuffix(tr(" s"))
        self.seconds.setButtonSymbols(QDoubleSpinBox.NoButtons)

    def _lay_out(self) -> None:
        own = stacked(self._own)
        for row in (self.shape, self.colour, self.detail):
            own.addWidget(row)
        way = stacked(self._way)
        for check in (self.even, self.ease, self.there_and_back, self.loop):
            way.addWidget(check)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(8)
        form.addRow(self.tr("Background"), self.background)
        made = QFormLayout()
        made.setContentsMargins(0, 0, 0, 0)
        made.setVerticalSpacing(8)
        made.addRow(self.tr("Make"), self.kind)
        made.addRow(self.tr("Made by"), self.route)
        inside = QWidget()
        saved = QFormLayout(inside)
        saved.setContentsMargins(0, 0, 0, 0)
        saved.setVerticalSpacing(8)
        saved.addRow(self.tr("Size"), self.side)
        saved.addRow(self.tr("Frames"), self.frames)
        saved.addRow(self.tr("Length"), self.seconds)
        for combo in (self.kind, self.route, self.background):
            # As wide as the column, not as the longest of its texts.
            combo.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(6)
        column = stacked(self)
        column.addLayout(made)
        column.addWidget(self.panel)
        column.addWidget(self.apart)
        column.addWidget(self._own)
        column.addWidget(self.kept)
        column.addWidget(self.symmetry)
        column.addLayout(form)
        column.addWidget(self._way)
        column.addWidget(Fold(self.tr("What is saved"), inside))

    def _connect(self) -> None:
        self.route.currentIndexChanged.connect(self._on_route_chosen)
        self.kind.currentIndexChanged.connect(self._on_kind_chosen)
        self.kept.value_changed.connect(self.changed)
        self.apart.toggled.connect(self._on_apart_toggled)
        for row in (self.shape, self.colour, self.detail):
            row.value_changed.connect(self.changed)
        self.symmetry.value_changed.connect(self._on_symmetry_changed)
        self.background.currentIndexChanged.connect(self.replan_wanted)
        self.loop.toggled.connect(self.replan_wanted)
        for check in (self.even, self.ease, self.there_and_back):
            check.toggled.connect(self.changed)

    def follow(self, place: float) -> None:
        """Bring the three sliders to a place on the way, without telling anybody."""
        for row in (self.shape, self.colour, self.detail):
            row.set_value(min(MOST, max(LEAST, place)))

    @property
    def own(self) -> bool:
        """Shape, colour and detail stand on their own sliders, beside the way."""
        return self.apart.isChecked() and self.makes == "way" and not self.latent

    @property
    def made_by(self) -> MadeBy:
        """What makes the pictures."""
        route: MadeBy = self.route.currentData()
        return route

    @property
    def latent(self) -> bool:
        """True where a generator draws, not the photos themselves."""
        return self.made_by != "landmarks"

    @property
    def makes(self) -> Kind:
        """What is made; a generator makes a way."""
        kind: Kind = self.kind.currentData()
        return "way" if self.latent else kind

    @property
    def settings(self) -> MorphSettings:
        """With the sliders' own places where they do not go with the slider below the picture."""
        own = self.makes == "average" or self.own
        ground: Ground = "dissolve" if self.latent else self.background.currentData()
        kept = self.kept.value if self.made_by == "pca" else None
        return MorphSettings(
            size=self.side.value(),
            frames=self.frames.value(),
            seconds=self.seconds.value(),
            shape=self.shape.value if own else None,
            colour=self.colour.value if own else None,
            detail=self.detail.value if own else kept,
            ease=self.ease.isChecked(),
            ping_pong=self.there_and_back.isChecked(),
            loop=self.loop.isChecked() and self.makes == "way",
            even=self.even.isChecked(),
            background=None if ground == "dissolve" else Background(ground),
            symmetry=self.symmetry.value if self.makes == "average" else 0.0,
        )

    def _on_route_chosen(self) -> None:
        if self.latent:
            blocked = self.kind.blockSignals(True)
            self.kind.setCurrentIndex(0)
            self.kind.blockSignals(blocked)
        self._show_what_applies()
        self.replan_wanted.emit()

    def _on_kind_chosen(self) -> None:
        """An average begins at itself: 0, from where 1 leads to the first face."""
        start = 0.0 if self.makes == "average" else 0.5
        for row in (self.shape, self.colour, self.detail):
            row.set_value(start)
        self._show_what_applies()
        self.kind_chosen.emit()

    def _show_what_applies(self) -> None:
        """Controls that mean nothing for what is made are gone, or say why they cannot be used."""
        way, average = self.makes == "way", self.makes == "average"
        latent, tr = self.latent, self.tr
        self.panel.setVisible(self.made_by == "stylegan2")
        self.kept.setVisible(self.made_by == "pca")
        self.apart.setVisible(way and not latent)
        self._own.setVisible(average or self.own)
        self.symmetry.setVisible(average)
        self._way.setVisible(way)
        for widget in (self.frames, self.seconds):
            widget.setEnabled(way)
        self.kind.setEnabled(not latent)
        self.kind.setToolTip(tr("The other kinds are made of warped photos only.") if latent else "")
        self.background.setEnabled(not latent)
        self.background.setToolTip(tr("A generator draws its own background.") if latent else "")
        blind = self.made_by == "stylegan2"
        self.even.setEnabled(not blind)
        self.even.setToolTip(
            tr("A generator's pictures have no points to measure that by.")
            if blind
            else tr("Frames are timed so that the face changes by the same amount in each step.")
        )

    def _on_apart_toggled(self, on: bool) -> None:
        self._own.setVisible(on)
        self.changed.emit()

    def _on_symmetry_changed(self, _: float) -> None:
        """Mirror images are prepared when they are first wanted."""
        self.replan_wanted.emit()
