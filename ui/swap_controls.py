"""How faces are swapped: presets, the slider between likeness and expression, and the finer choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.edit.cast import ANY_DISTANCE
from faceapp.edit.swap import SwapSettings
from faceapp.services.presets import BUILT_IN
from ui.fold import Fold
from ui.icons import icon
from ui.slider_row import SliderRow
from ui.widgets import tool_button

DEFAULTS = SwapSettings()


class SwapControls(QWidget):
    """Signals:
    changed: the settings are different, also while a slider moves. recast_wanted: who may go where is.
    preset_kept: the user wants to keep the settings under a name. preset_dropped: the name of one of the
    user's own that is not wanted any more.
    """

    changed = pyqtSignal()
    recast_wanted = pyqtSignal()
    preset_kept = pyqtSignal()
    preset_dropped = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        tr = self.tr
        self._presets: dict[str, SwapSettings] = {}
        self.preset = QComboBox()
        self.preset.setAccessibleName(tr("Preset"))
        self.preset.setPlaceholderText(tr("Your own settings"))
        self._keep = QToolButton(icon=icon("save"), toolTip=tr("Keep these settings under a name…"))
        self._keep.setAccessibleName(self._keep.toolTip())
        self.drop_button = tool_button("delete", tr("Delete this preset of yours"))
        self.drop_button.hide()
        self.likeness = SliderRow(
            tr("Likeness"),
            0,
            1,
            1,
            (tr("expression of the photo"), tr("likeness")),
            tip=tr("Right: the shape of the new face. Left: the expression of the face that was there."),
        )
        self.opacity = SliderRow(tr("Strength"), 0, 1, 1, tip=tr("How much of the new face shows."))
        of_eyes = tr("Of the distance of the eyes.")
        self.feather = SliderRow(tr("Soft edge"), 0, 0.3, DEFAULTS.feather, tip=of_eyes)
        colours = ("mkl", tr("Like the photo")), ("lab", tr("Like it, simpler")), ("none", tr("Its own"))
        self.colour = _choice(colours)
        self.engine = _choice((("classical", tr("Built in")), ("neural", tr("Your own network"))))
        self.engine.setToolTip(tr("Your own network keeps the expression of the photo. Videos take long."))
        self.blend = _choice((("poisson", tr("Seamless")), ("feather", tr("Soft edge alone"))))
        self.mouth = QCheckBox(tr("Keep the mouth of the photo"))
        self.degrade = QCheckBox(tr("As sharp and grainy as the photo"))
        self.degrade.setChecked(True)
        self.everyone = QCheckBox(tr("Everybody gets a face"))
        self.everyone.setToolTip(tr("Faces are used more than once when there are fewer than on the photo."))
        self.nearest = QDoubleSpinBox(minimum=0, maximum=ANY_DISTANCE, singleStep=0.01, decimals=2)
        self.nearest.setValue(ANY_DISTANCE)
        self.nearest.setButtonSymbols(QDoubleSpinBox.NoButtons)
        self.nearest.setToolTip(tr("0.08: only onto the same person. 0.12: lookalikes. 2: anybody."))
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        label = QLabel(self.tr("Preset"))
        label.setBuddy(self.preset)
        top.addWidget(label)
        top.addWidget(self.preset, 1)
        top.addWidget(self._keep)
        top.addWidget(self.drop_button)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(8)
        self._engine_label = QLabel(self.tr("Engine"))
        self._engine_label.setBuddy(self.engine)
        form.addRow(self._engine_label, self.engine)
        self.show_engines(neural=False)
        form.addRow(self.tr("Colours"), self.colour)
        form.addRow(self.tr("Border"), self.blend)
        form.addRow(self.tr("Largest distance"), self.nearest)
        inside = QWidget()
        finer = QVBoxLayout(inside)
        finer.setContentsMargins(0, 0, 0, 0)
        finer.setSpacing(8)
        finer.addWidget(self.opacity)
        finer.addWidget(self.feather)
        finer.addLayout(form)
        finer.addWidget(self.mouth)
        finer.addWidget(self.degrade)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.likeness)
        column.addWidget(self.everyone)
        column.addWidget(Fold(self.tr("More"), inside))

    def _connect(self) -> None:
        self.preset.activated.connect(self._on_preset_chosen)
        self._keep.clicked.connect(self.preset_kept)
        self.drop_button.clicked.connect(lambda: self.preset_dropped.emit(self.preset.currentText()))
        for row in (self.likeness, self.opacity, self.feather):
            row.value_changed.connect(self._on_changed)
        for box in (self.engine, self.colour, self.blend):
            box.currentIndexChanged.connect(self._on_changed)
        for check in (self.mouth, self.degrade):
            check.toggled.connect(self._on_changed)
        self.everyone.toggled.connect(self.recast_wanted)
        self.nearest.editingFinished.connect(self.recast_wanted)

    @property
    def settings(self) -> SwapSettings:
        return SwapSettings(
            likeness=self.likeness.value,
            colour=self.colour.currentData(),
            blend=self.blend.currentData(),
            feather=self.feather.value,
            keep_mouth=self.mouth.isChecked(),
            degrade=self.degrade.isChecked(),
            opacity=self.opacity.value,
            engine=self.engine.currentData(),
        )

    def show_engines(self, neural: bool) -> None:
        """Offer the choice of an engine where there is a network of the user's own."""
        for widget in (self._engine_label, self.engine):
            widget.setVisible(neural)
        if not neural:
            self.engine.setCurrentIndex(0)

    def show_settings(self, settings: SwapSettings) -> None:
        """Set every control; `changed` is said once."""
        self.blockSignals(True)
        self.likeness.set_value(settings.likeness)
        self.opacity.set_value(settings.opacity)
        self.feather.set_value(settings.feather)
        self.colour.setCurrentIndex(self.colour.findData(settings.colour))
        self.blend.setCurrentIndex(self.blend.findData(settings.blend))
        self.mouth.setChecked(settings.keep_mouth)
        self.degrade.setChecked(settings.degrade)
        # A preset that asks for a network which is not there any more gets the engine that is.
        if self.engine.isVisibleTo(self.engine.parentWidget()):
            self.engine.setCurrentIndex(self.engine.findData(settings.engine))
        self.blockSignals(False)
        self.changed.emit()

    def show_presets(self, presets: Mapping[str, SwapSettings]) -> None:
        self._presets = dict(presets)
        self.preset.clear()
        self.preset.addItems(self._presets)
        self._name_preset()

    def _on_preset_chosen(self) -> None:
        chosen = self._presets.get(self.preset.currentText())
        if chosen is not None:
            self.show_settings(chosen)

    def _on_changed(self) -> None:
        self._name_preset()
        self.changed.emit()

    def _name_preset(self) -> None:
        """Say which preset these settings are, if any."""
        now = _rounded(self.settings)
        names = [name for name, kept in self._presets.items() if _rounded(kept) == now]
        self.preset.setCurrentIndex(self.preset.findText(names[0]) if names else -1)
        self.drop_button.setVisible(bool(names) and names[0] not in BUILT_IN)


def _rounded(settings: SwapSettings) -> SwapSettings:
    """A slider has a hundred steps: what is finer is no difference."""
    return replace(
        settings,
        likeness=round(settings.likeness, 2),
        feather=round(settings.feather, 2),
        opacity=round(settings.opacity, 2),
    )


def _choice(items: tuple[tuple[str, str], ...]) -> QComboBox:
    box = QComboBox()
    # The panel is narrow: a long choice is cut, not the whole form.
    box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    for value, text in items:
        box.addItem(text, value)
    return box
