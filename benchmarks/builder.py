"""The recogniser builder: accuracy beside plain methods, time beside plain Keras fits, search beside chance.

TensorFlow runs in processes of its own: `python -m benchmarks.builder fits FILE N` and
`python -m benchmarks.builder search FILE N SEED KIND`.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import photos
from benchmarks.report import Section
from faceapp.build import baselines, openset
from faceapp.build.card import Card, Known, Row
from faceapp.build.dataset import STRANGER, TRAIN, VALIDATION, Dataset
from faceapp.build.workspace import Budget, Request, Workspace
from faceapp.jobs import JobContext
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.tasks import build
from faceapp.tasks.build import Gathered, View

# The sizes of the issue; FACEAPP_BENCH_SMALL=1 runs everything at a fraction, to try the benchmark itself.
SMALL = bool(os.environ.get("FACEAPP_BENCH_SMALL"))
PEOPLE = 50
STRANGERS = 200 if SMALL else 900
SPLITS = 2 if SMALL else 5
BUDGET = 20 if SMALL else 60
FITS = 5 if SMALL else 100
CANDIDATES = 20 if SMALL else 100
SEEDS = 2 if SMALL else 5
PHOTOS_EACH = 10
# The corner that the hypervolume is measured from: 10 % error, 200,000 numbers.
CORNER = (0.10, math.log10(200_000))
SECONDS = 3600


def run() -> list[Section]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        views, people, changed = embedded(root)
        cards, memory = [], []
        for seed in range(SPLITS):
            data = dataset(people, views, changed, seed)
            cards.append(built(root / f"split-{seed}", data, Budget(BUDGET), seed))
            memory.append(resident())
        ten = first_ten(views)
        data = dataset(people, ten, changed, 0)
        data.save(root / "ten.npz")
        return [accuracy(cards, memory), timing(root, data), hypervolumes(root)]


def embedded(root: Path) -> tuple[list[View], tuple[Known, ...], dict[int, list[build.Row]]]:
    """The 50 people of LFW with the most photos, all photos, and one photo each of others as strangers."""
    paths = Paths(root)
    paths.create()
    models = Models(paths)
    analyser, embedder = Analyser(models), models.embedder()
    folders = [path for path in (photos.data() / "faces" / "lfw").iterdir() if path.is_dir()]
    folders.sort(key=lambda path: (-len(list(path.glob("*.jpg"))), path.name))
    known, sources = build.of_photos(
        [(path.name.replace("_", " "), sorted(path.glob("*.jpg"))) for path in folders[:PEOPLE]]
    )
    others = [sorted(path.glob("*.jpg"))[0] for path in folders[PEOPLE : PEOPLE + STRANGERS]]
    gathered = Gathered(known, (*sources, *build.strange_photos(others, STRANGERS)))
    context = JobContext.silent()
    people, views, _ = build.read_views(context, analyser, embedder, gathered)
    own = [view for view in views if view.source.person != STRANGER]
    return views, people, build.change_views(context, embedder, own, 0)


def dataset(
    people: Sequence[Known], views: Sequence[View], changed: dict[int, list[build.Row]], seed: int
) -> Dataset:
    return build.put_together(people, views, build.split_views(views, seed), changed)


def first_ten(views: Sequence[View]) -> list[View]:
    """Ten photos of each person, and all strangers."""
    count: dict[int, int] = {}
    kept = []
    for view in views:
        person = view.source.person
        count[person] = count.get(person, 0) + 1
        if person == STRANGER or count[person] <= PHOTOS_EACH:
            kept.append(view)
    return kept


def built(folder: Path, data: Dataset, budget: Budget, seed: int) -> Card:
    """The card of a whole build, as the program makes it."""
    folder.mkdir(parents=True)
    workspace = Workspace(folder)
    data.save(workspace.data)
    people = tuple(Known(name) for name in data.names)
    workspace.write_request(Request(folder.name, "LFW", "", "dlib-resnet", people, budget, seed))
    return build.train(JobContext.silent(), workspace)


def resident() -> float:
    """The memory of this process in megabytes, which starts builds as the window does."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def accuracy(cards: Sequence[Card], memory: Sequence[float]) -> Section:
    methods = [row.method for row in cards[0].table]
    rows = []
    for method in methods:
        own = [next(row for row in card.table if row.method == method) for card in cards]
        title = "**found network**" if method == "network" else own[0].title
        rows.append(
            (
                title,
                f"**{percent(own, 'accuracy')}**",
                percent(own, "known_right"),
                percent(own, "strangers_refused"),
                percent(own, "missed_at_nearest"),
                f"{statistics.mean(row.parameters for row in own):,.0f}",
                f"{statistics.median(row.microseconds for row in own):.0f}",
            )
        )
    best = [max(row.accuracy for row in card.table if row.method != "network") for card in cards]
    gaps = [100 * (card.table[0].accuracy - other) for card, other in zip(cards, best, strict=True)]
    networks = "; ".join(card.table[0].title.removeprefix("network ") for card in cards)
    return Section(
        "builder-accuracy",
        "Recognisers: the found network beside plain methods",
        f"The {PEOPLE} people of LFW with the most photos, {STRANGERS} others as strangers. {len(cards)}"
        " random splits by photo (60 % learned from, 20 % to choose the network and every threshold by, 20 %"
        f" held back to the end; strangers a third each); a search of {BUDGET} candidates a split; means over"
        " the splits. Accuracy: the mean of known faces named rightly and strangers refused. Missed: known"
        " faces without their name where as many strangers get a name as with nearest neighbour.",
        (
            "method", "accuracy", "known right", "strangers refused", "missed at NN's false names",
            "numbers", "µs a face",
        ),
        rows,
        "Network minus the best plain method of the split, in points:"
        f" {', '.join(f'{gap:+.2f}' for gap in gaps)}. The networks: {networks}. Memory of the process that"
        f" starts the builds, after the first: {memory[0]:.0f} MB, after number {len(memory)}:"
        f" {memory[-1]:.0f} MB.",
    )  # fmt: skip


def percent(rows: Sequence[Row], name: str) -> str:
    values = [100 * float(getattr(row, name)) for row in rows]
    return f"{statistics.mean(values):.2f} %"


def timing(root: Path, data: Dataset) -> Section:
    """The whole build of 100 candidates, start-up included, and 100 fits in one process."""
    start = time.perf_counter()
    built(root / "timed", data, Budget(CANDIDATES), 0)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    child("fits", root / "ten.npz", FITS)
    plain = (time.perf_counter() - start) * CANDIDATES / FITS
    scaled = "" if FITS == CANDIDATES else f" ({FITS} fits, scaled)"
    return Section(
        "builder-time",
        "Recognisers: time of a search",
        f"{CANDIDATES} candidates on {PEOPLE} people x {PHOTOS_EACH} photos, from the start of the process to"
        f" the written file, against {CANDIDATES} plain Keras fits{scaled} of 3 hidden layers for 100 epochs"
        " on the same photos, all in one process. One after the other in one run.",
        ("", "seconds"),
        [
            ("plain Keras fits", f"{plain:.0f}"),
            ("search", f"{ours:.0f}"),
            ("ratio", f"**{ours / plain:.2f}**"),
        ],
    )


def hypervolumes(root: Path) -> Section:
    rows = []
    wins = 0
    totals = {"nsga2": 0.0, "random": 0.0}
    for seed in range(SEEDS):
        found = {
            kind: float(child("search", root / "ten.npz", CANDIDATES, seed, kind))
            for kind in ("nsga2", "random")
        }
        wins += found["nsga2"] > found["random"]
        for kind, value in found.items():
            totals[kind] += value / SEEDS
        rows.append((str(seed), *(f"{found[kind]:.5f}" for kind in ("nsga2", "random"))))
    rows.append(("mean", *(f"**{totals[kind]:.5f}**" for kind in ("nsga2", "random"))))
    return Section(
        "builder-search",
        "Recognisers: the search beside chance",
        f"Hypervolume of the front (validation error, decimal logarithm of the parameters) after {CANDIDATES}"
        f" candidates, from the corner 10 % error and 200,000 parameters; the same data and budget.",
        ("seed", "NSGA-II", "random"),
        rows,
        f"NSGA-II is better with {wins} of {SEEDS} seeds.",
    )


def child(*words: object) -> str:
    """Run this module in a process of its own; the last line that it wrote."""
    command = [sys.executable, "-m", "benchmarks.builder", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    return done.stdout.strip().splitlines()[-1]


# -- in processes of their own -----------------------------------------------------------------


def fits(file: Path, count: int) -> None:
    """What everybody writes: a dense network of three hidden layers, fitted with Keras' defaults."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    data = Dataset.load(file)
    rows = data.plain & (data.people != STRANGER)
    vectors, people = data.vectors[rows], data.people[rows]
    random = np.random.default_rng(0)
    for _ in range(count):
        widths = random.integers(16, 257, 3).tolist()
        model = keras.Sequential(
            [
                keras.Input((vectors.shape[1],)),
                *(keras.layers.Dense(width, activation="relu") for width in widths),
                keras.layers.Dense(len(data.names), activation="softmax"),
            ]
        )
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(vectors, people, epochs=100, verbose=0)
    print(count)


def search(file: Path, count: int, seed: int, kind: str) -> None:
    """One search; the hypervolume of its front."""
    from faceapp.build.population import Population
    from faceapp.build.search import Search

    data = Dataset.load(file)
    reference = max(
        openset.calibrate(
            data.scores(
                VALIDATION, plain.scores(data.known(VALIDATION)[0]), plain.scores(data.strangers(VALIDATION))
            )
        )[1]
        for plain in baselines.fit(data)
    )
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "study")
        workspace.folder.mkdir()
        one = Search(
            workspace, Population(data, 0, reference), Budget(count), seed, lambda *_: None, lambda: False,
            "nsga2" if kind == "nsga2" else "random",
        )  # fmt: skip
        one.run()
        points = [(1 - tried.accuracy, math.log10(tried.parameters)) for tried in one.tried()]
    assert (data.parts == TRAIN).any()
    print(openset.hypervolume(points, CORNER))


if __name__ == "__main__":
    if sys.argv[1] == "fits":
        fits(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        search(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
