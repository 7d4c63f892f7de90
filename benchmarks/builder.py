"""The recogniser builder: accuracy beside plain methods, time beside plain Keras fits, search beside chance.

`python -m benchmarks.builder [accuracy] [others] [time] [search]` runs and writes those parts alone. A part
that is finished is in the file, whatever becomes of the rest.
TensorFlow runs in processes of its own: `python -m benchmarks.builder fits FILE N` and
`python -m benchmarks.builder hypervolume FILE N SEED KIND`.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks import photos, report
from benchmarks.report import Section
from faceapp.build import baselines, openset
from faceapp.build.card import Card, Known, Row
from faceapp.build.dataset import STRANGER, VALIDATION, Dataset
from faceapp.build.topology import DEEPEST, NARROWEST, WIDEST, Topology
from faceapp.build.workspace import Budget, Request, Workspace
from faceapp.jobs import JobContext
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.tasks import build
from faceapp.tasks.build import Gathered, View

# The sizes of the issue; FACEAPP_BENCH_SMALL=1 runs everything at a fraction, to try the benchmark itself.
SMALL = bool(os.environ.get("FACEAPP_BENCH_SMALL"))
PEOPLE = 5 if SMALL else 50
STRANGERS = 60 if SMALL else 900
SPLITS = 2 if SMALL else 5
BUDGET = 12 if SMALL else 60
FITS = 2 if SMALL else 30
CANDIDATES = 12 if SMALL else 100
SEEDS = 2 if SMALL else 5
PHOTOS_EACH = 10
# The corner that the hypervolume is measured from, beside the largest and the slowest network there is.
WORST_ERROR = 0.10
SECONDS = 3600
# Of the processes that are not timed so many run side by side.
SIDE_BY_SIDE = 2

Kind = Literal["nsga2", "random"]
KINDS: tuple[Kind, ...] = ("nsga2", "random")


def run(names: Sequence[str] = ("accuracy", "others", "time", "search")) -> list[Section]:
    """These parts, each written as soon as it is finished."""
    sections = []
    for name in names:
        say(f"builder: {name}")
        section = PARTS[name]()
        report.write([section])
        sections.append(section)
    return sections


def accuracy() -> Section:
    title = "Recognisers: the found network beside plain methods"
    return accuracy_of(0, "builder-accuracy", title, f"The {PEOPLE} people of LFW with the most photos")


def others() -> Section:
    """The same on people whose held-back photos chose nothing in this program."""
    title = "Recognisers: the found network beside plain methods, other people"
    who = f"People {3 * PEOPLE + 1} to {4 * PEOPLE} of LFW by their number of photos, who chose nothing"
    return accuracy_of(3, "builder-others", title, who)


def accuracy_of(group: int, name: str, title: str, who: str) -> Section:
    """Whole builds with several splits of one group of people."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        views, people, changed = embedded(root, group)
        cards, memory = [], []
        for seed in range(SPLITS):
            data = dataset(people, views, changed, seed)
            cards.append(built(root / f"split-{seed}", data, Budget(BUDGET), seed))
            memory.append(resident())
            say(f"  build {seed + 1} of {SPLITS}: {cards[-1].verdict}")
    return accuracy_section(name, title, who, cards, memory)


def timing() -> Section:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        return timing_section(root, ten_photos(root))


def search() -> Section:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ten_photos(root)
        return search_section(root / "ten.npz")


def ten_photos(root: Path) -> Dataset:
    """Ten photos of each of the people with the most photos, also as ten.npz in that folder."""
    views, people, changed = embedded(root, 0, PHOTOS_EACH)
    data = dataset(people, views, changed, 0)
    data.save(root / "ten.npz")
    return data


def say(words: str) -> None:
    """Where it is, on standard error."""
    print(words, file=sys.stderr, flush=True)


def embedded(
    root: Path, group: int, most: int | None = None
) -> tuple[list[View], tuple[Known, ...], dict[int, list[build.Row]]]:
    """People of LFW in order of their number of photos, and one photo each of others as strangers.

    group: 0 for the people with the most photos, 1 for the next ones. The strangers of group 0 are the next
    people, those of all others the last ones of the list. most: take so many photos of each.
    """
    say("  reading photos")
    paths = Paths(root)
    paths.create()
    models = Models(paths)
    analyser, embedder = Analyser(models), models.embedder()
    folders = [path for path in (photos.data() / "faces" / "lfw").iterdir() if path.is_dir()]
    folders.sort(key=lambda path: (-len(list(path.glob("*.jpg"))), path.name))
    chosen = folders[group * PEOPLE : (group + 1) * PEOPLE]
    known, sources = build.of_photos(
        [(path.name.replace("_", " "), sorted(path.glob("*.jpg"))[:most]) for path in chosen]
    )
    rest = folders[::-1] if group else folders[PEOPLE:]
    strange = [sorted(path.glob("*.jpg"))[0] for path in rest[:STRANGERS]]
    gathered = Gathered(known, (*sources, *build.strange_photos(strange, STRANGERS)))
    context = JobContext.silent()
    people, views, _ = build.read_views(context, analyser, embedder, gathered)
    own = [view for view in views if view.source.person != STRANGER]
    return views, people, build.change_views(context, embedder, own, 0)


def dataset(
    people: Sequence[Known], views: Sequence[View], changed: dict[int, list[build.Row]], seed: int
) -> Dataset:
    return build.put_together(people, views, build.split_views(views, seed), changed)


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


def accuracy_section(
    name: str, title: str, who: str, cards: Sequence[Card], memory: Sequence[float]
) -> Section:
    methods = [row.method for row in cards[0].table]
    rows = []
    for method in methods:
        own = [next(row for row in card.table if row.method == method) for card in cards]
        shown = "**found network**" if method == "network" else own[0].title
        rows.append(
            (
                shown,
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
        name,
        title,
        f"{who}, {STRANGERS} others as strangers. {len(cards)}"
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


def timing_section(root: Path, data: Dataset) -> Section:
    """The whole build of 100 candidates, start-up included, and 100 fits in one process."""
    start = time.perf_counter()
    built(root / "timed", data, Budget(CANDIDATES), 0)
    ours = time.perf_counter() - start
    say(f"  search: {ours:.0f} s; now {FITS} plain fits")
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


def search_section(file: Path) -> Section:
    jobs = [(seed, kind) for seed in range(SEEDS) for kind in KINDS]

    def volume(job: tuple[int, Kind]) -> float:
        found = float(child("hypervolume", file, CANDIDATES, *job))
        say(f"  seed {job[0]}, {job[1]}: {found:.4f}")
        return found

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        volumes = dict(zip(jobs, pool.map(volume, jobs), strict=True))
    rows = [(str(seed), *(f"{volumes[seed, kind]:.4f}" for kind in KINDS)) for seed in range(SEEDS)]
    means = [statistics.mean(volumes[seed, kind] for seed in range(SEEDS)) for kind in KINDS]
    wins = sum(volumes[seed, "nsga2"] > volumes[seed, "random"] for seed in range(SEEDS))
    return Section(
        "builder-search",
        "Recognisers: the search beside chance",
        f"Hypervolume of the front after {CANDIDATES} candidates, in the search's own three goals: error on"
        f" the photos to choose by, from none to {WORST_ERROR:.0%}; the logarithm of the parameters and the"
        " computed time, from the smallest and fastest to the largest and slowest network of the space. Each"
        f" is scaled to 0 to 1. {PEOPLE} people x {PHOTOS_EACH} photos; both have the same data, the same"
        " first four networks, the same training and early stopping. The seed is that of the search and of"
        " the training.",
        ("seed", "NSGA-II", "random"),
        [*rows, ("mean", *(f"**{mean:.4f}**" for mean in means))],
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


def hypervolume(file: Path, count: int, seed: int, kind: Kind) -> None:
    """One search; the hypervolume of its front."""
    from faceapp.build.population import Population
    from faceapp.build.search import Search

    data = Dataset.load(file)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "study")
        workspace.folder.mkdir()
        population = Population(data, seed, plain_accuracy(data), threads=1)
        one = Search(workspace, population, Budget(count), seed, lambda *_: None, lambda: False, kind)
        one.run()
        tried = one.tried()
    dimension, people = data.dimension, len(data.names)
    smallest = Topology((NARROWEST,), normalisation="none")
    largest = Topology(DEEPEST * (WIDEST,), normalisation="layer")
    sizes = [math.log10(one.parameters(dimension, people)) for one in (smallest, largest)]
    # Without the comparison at the end, which is the same for all of them.
    times = [one.microseconds(dimension, 0) for one in (smallest, largest)]
    points = [
        (
            (1 - one.accuracy) / WORST_ERROR,
            share(math.log10(one.parameters), sizes),
            share(one.topology.microseconds(dimension, 0), times),
        )
        for one in tried
    ]
    print(openset.hypervolume(points, (1.0, 1.0, 1.0)))


def share(value: float, limits: Sequence[float]) -> float:
    """Where a value is between two limits, 0 to 1."""
    return (value - limits[0]) / (limits[1] - limits[0])


def plain_accuracy(data: Dataset) -> float:
    """The best plain method's on the part to choose by, as a build has it."""
    return max(
        openset.calibrate(
            data.scores(
                VALIDATION, plain.scores(data.known(VALIDATION)[0]), plain.scores(data.strangers(VALIDATION))
            )
        )[1]
        for plain in baselines.fit(data)
    )


PARTS: dict[str, Callable[[], Section]] = {
    "accuracy": accuracy, "others": others, "time": timing, "search": search,
}  # fmt: skip


def main(words: Sequence[str]) -> None:
    if words[:1] == ["fits"]:
        fits(Path(words[1]), int(words[2]))
    elif words[:1] == ["hypervolume"]:
        kind: Kind = "nsga2" if words[4] == "nsga2" else "random"
        hypervolume(Path(words[1]), int(words[2]), int(words[3]), kind)
    elif words and set(words) <= set(PARTS):
        for section in run(words):
            print(section.markdown())
    else:
        sys.exit(f"usage: python -m benchmarks.builder {' '.join(f'[{name}]' for name in PARTS)}")


if __name__ == "__main__":
    main(sys.argv[1:])
