"""What a search for a recogniser has found, one view a tab: plot, tables, mix-ups, strangers."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtWidgets import QTabWidget

from faceapp.build.card import Candidate, Card
from ui.builder_plots import ConfusionView, ParetoPlot, RocPlot
from ui.builder_table import SortedTable, candidate_rows, method_rows


class FoundViews(QTabWidget):
    """Follows a build while it runs, and shows its card afterwards."""

    def __init__(self) -> None:
        super().__init__()
        tr = self.tr
        self.setObjectName("views")
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self.pareto = ParetoPlot()
        self.candidates = SortedTable(
            (
                (tr("No."), tr("In the order in which they were tried")),
                (tr("Accuracy"), tr("On photos that the network has not learned from")),
                (tr("Size"), tr("How many numbers the network learns: its parameters")),
                (tr("Time"), tr("For one face, on one core of this computer")),
                ("", tr("Front: no other one is better in one thing without being worse in another")),
                (tr("Network"), tr("Its layers, and what else was chosen")),
            ),
            tr("Candidates"),
            wide=5,
        )
        self.methods = SortedTable(
            (
                (tr("Method"), ""),
                (tr("Accuracy"), tr("The mean of the two columns beside it, on photos that were held back")),
                (tr("Known"), tr("People it knows who were named rightly")),
                (tr("Strangers"), tr("Strangers who got no name")),
                (tr("Size"), tr("How many numbers it keeps")),
                (tr("Time"), tr("For one face, on one core of this computer")),
            ),
            tr("Methods"),
            wide=0,
        )
        self.confusion = ConfusionView()
        self.roc = RocPlot()
        for view, title, tip in (
            (self.pareto, tr("Search"), tr("Accuracy against size, as the candidates are tried")),
            (self.candidates, tr("Candidates"), tr("Every network that was tried")),
            (self.methods, tr("Methods"), tr("The network beside the plain methods")),
            (self.confusion, tr("Mix-ups"), tr("Who was taken for whom")),
            (self.roc, tr("Strangers"), tr("How many strangers get a name when more known people do")),
        ):
            self.setTabToolTip(self.addTab(view, title), tip)

    def show_found(
        self,
        candidates: Sequence[Candidate],
        plain: Sequence[tuple[str, float]],
        card: Card | None,
    ) -> None:
        """candidates: those so far. plain: the plain methods' accuracies. card: None while it is built."""
        self.pareto.show_candidates(candidates, plain, ended=card is not None)
        self.candidates.table.show_rows(candidate_rows(candidates))
        self.methods.table.show_rows(method_rows(card.table if card is not None else ()))
        self.confusion.show_card(card)
        self.roc.show_card(card)
