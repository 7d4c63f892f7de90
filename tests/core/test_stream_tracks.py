"""Tracks and decisions on moving portraits: real faces and real models, a made-up camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from faceapp.errors import StoreUnavailable
from faceapp.live import Frame, LiveSettings, Track, TrackState
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.stream.identity import Claim, Evidence, settle
from faceapp.stream.kalman import DETECTED_NOISE, BoxFilter
from faceapp.stream.liveness import FEWEST, MOST
from faceapp.stream.motion import Motion
from faceapp.stream.watcher import Watcher
from faceapp.types import Floats, Image, Match, Person

WIDTH, HEIGHT = 640, 360
FACE = 150  # the height of a portrait in the scene
START = datetime(2026, 3, 2, 9, tzinfo=UTC)

Where = Callable[[int], "tuple[float, float] | None"]


def background(seed: int = 0) -> Image:
    random = np.random.default_rng(seed)
    small = random.integers(60, 160, (9, 16, 3), np.uint8)
    return np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def scene(behind: Image, portraits: Sequence[tuple[Image, tuple[float, float] | None]]) -> Image:
    """Portraits pasted with their centres at these places; None is out of the picture."""
    image = behind.copy()
    for portrait, place in portraits:
        if place is not None:
            height, width = portrait.shape[:2]
            matrix = np.array([[1, 0, place[0] - width / 2], [0, 1, place[1] - height / 2]], np.float32)
            cv2.warpAffine(portrait, matrix, (WIDTH, HEIGHT), dst=image, borderMode=cv2.BORDER_TRANSPARENT)
    return image


def portrait(image: Image, rows: slice, columns: slice) -> Image:
    cut = image[rows, columns]
    scale = FACE / cut.shape[0]
    return np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def ann(astronaut: Image) -> Image:
    return portrait(astronaut, slice(20, 270), slice(120, 320))


@pytest.fixture(scope="module")
def bob(hopper: Image) -> Image:
    return portrait(hopper, slice(20, 330), slice(130, 390))


class Library:
    """People as the gallery of a recognition: the nearest first."""

    def __init__(self, models: Models, faces: dict[str, Image]) -> None:
        self.people: list[tuple[Person, Floats]] = []
        for index, (name, image) in enumerate(faces.items(), start=1):
            found = models.detector().detect(image).take(np.array([0]))
            self.people.append((Person(index, name), models.embedder().embed(image, found)[0]))

    def search(self, embedding: Floats) -> list[Match]:
        distances = [(person, float(1 - vector @ embedding)) for person, vector in self.people]
        found = [
            Match(person, person.id, distance, 0.0, distance <= 0.09, "") for person, distance in distances
        ]
        return sorted(found, key=lambda match: match.distance)


class Counting:
    """The real embedder, with the number of faces it was asked for."""

    def __init__(self, models: Models) -> None:
        self._embedder = models.embedder()
        self.dimension = self._embedder.dimension
        self.count = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._embedder, name)

    def embed_chips(self, chips: Image, mirror: bool = True) -> Floats:
        self.count += len(chips)
        return self._embedder.embed_chips(chips, mirror)


@pytest.fixture(scope="module")
def library(models: Models, astronaut: Image, hopper: Image) -> Library:
    return Library(models, {"Ann": astronaut, "Bob": hopper})


def watcher(
    models: Models, library: Library | None, settings: LiveSettings | None = None, **more: object
) -> Watcher:
    return Watcher(
        models.detector(),
        more.pop("embedder", None) or models.embedder(),
        library.search if library is not None else lambda _: (),
        lambda: 0.09,
        settings or LiveSettings(decide_after=4),
        **more,
    )


def play(watching: Watcher, images: Sequence[Image]) -> tuple[Track, ...]:
    for number, image in enumerate(images):
        at = START + timedelta(seconds=number / 25)
        watching.watch(Frame(image, number, number / 25, at))
    return watching.finish()


def named(tracks: Sequence[Track]) -> list[str | None]:
    people = [track.decision.person if track.decision else None for track in tracks]
    return [person.name if person else None for person in people]


def walk(frames: int, ann: Image, bob: Image | None = None) -> list[Image]:
    """One or two people who move slowly, each on their side."""
    behind = background()
    return [
        scene(
            behind,
            [(ann, (140 + 1.5 * number, 180 + 20 * np.sin(number / 8)))]
            + ([(bob, (520 - 1.2 * number, 190))] if bob is not None else []),
        )
        for number in range(frames)
    ]


def test_two_people_are_followed_and_named(models: Models, library: Library, ann: Image, bob: Image) -> None:
    tracks = play(watcher(models, library), walk(60, ann, bob))
    assert sorted(str(name) for name in named(tracks)) == ["Ann", "Bob"]
    assert [(track.first_frame, track.last_frame) for track in tracks] == [(0, 59)] * 2
    for track in tracks:
        assert (np.diff(track.boxes[:, 0]) == 1).all()  # no frame is left out
    moving = next(track for track in tracks if track.decision and track.decision.person.name == "Ann")
    moved = moving.boxes[59, 1:3] - moving.boxes[0, 1:3]
    assert 60 < moved[0] < 115  # 88 pixels


@pytest.mark.parametrize("method", ["vote", "fuse"])
def test_a_decided_track_is_not_embedded_again(
    models: Models, library: Library, ann: Image, method: str
) -> None:
    counting = Counting(models)
    watching = watcher(models, library, LiveSettings(decide_after=3, method=method), embedder=counting)
    images = walk(80, ann)
    for number, image in enumerate(images):
        result = watching.watch(Frame(image, number, number / 25, START))
        if result.faces and result.faces[0].state is TrackState.DECIDED:
            break
    at_decision = counting.count
    assert at_decision == 3 and number < 60
    for later, image in enumerate(images[number + 1 :], start=number + 1):
        watching.watch(Frame(image, later, later / 25, START))
    assert counting.count == at_decision
    assert watching.stats.embedded_after_decision == 0
    assert named(watching.finish()) == ["Ann"]


def test_progress_is_shown(models: Models, library: Library, ann: Image) -> None:
    watching = watcher(models, library)
    labels = []
    for number, image in enumerate(walk(40, ann)):
        result = watching.watch(Frame(image, number, number / 25, START))
        labels += [face.label for face in result.faces]
    assert {"1 of 4", "2 of 4", "3 of 4", "Ann"} <= set(labels)
    why = watching.why(1)
    assert why is not None and why.reason == "4 of 4 faces are near to Ann."
    assert [(vote.person.name, vote.count) for vote in why.votes if vote.person] == [("Ann", 4)]
    assert len(why.crops) == 4 and why.crops[0].startswith(b"\xff\xd8")


def test_strangers_stay_without_a_name(models: Models, hopper: Image, ann: Image) -> None:
    tracks = play(watcher(models, Library(models, {"Bob": hopper})), walk(40, ann))
    assert named(tracks) == [None]
    assert tracks[0].decision is not None
    assert "nearest is Bob" in tracks[0].decision.reason


def test_an_empty_library(models: Models, ann: Image) -> None:
    (track,) = play(watcher(models, None), walk(40, ann))
    assert track.decision is not None
    assert (track.decision.person, track.decision.distance) == (None, None)


def test_a_known_stranger_is_a_visitor(models: Models, ann: Image) -> None:
    watching = watcher(models, None, visitor_for=lambda embedding: 7)
    (track,) = play(watching, walk(40, ann))
    assert track.decision is not None and track.decision.visitor == 7


def test_a_visitor_who_was_named_has_the_name(models: Models, ann: Image) -> None:
    watching = watcher(models, None, visitor_for=lambda _: 7, visitor_person=lambda number: Person(3, "Cleo"))
    assert named(play(watching, walk(40, ann))) == ["Cleo"]


def test_faces_are_followed_though_most_frames_are_dropped(
    models: Models, library: Library, ann: Image
) -> None:
    """A slow machine sees every ninth frame of its camera: the face stays in sight in all that it sees."""
    watching = watcher(models, library, LiveSettings(decide_after=4, detect_every=6), live=True)
    image = scene(background(), [(ann, (200, 180))])
    states = [
        [face.state for face in watching.watch(Frame(image, 9 * step, step * 0.36, START)).faces]
        for step in range(30)
    ]
    assert all(seen and TrackState.LOST not in seen for seen in states[2:]), states
    assert named(watching.finish()) == ["Ann"]


def test_ids_end_at_a_cut(models: Models, library: Library, ann: Image) -> None:
    before = [scene(background(0), [(ann, (200, 180))])] * 25
    after = [scene(255 - background(3), [(ann, (420, 150))])] * 25
    watching = watcher(models, library)
    tracks = play(watching, before + after)
    assert [(track.id, track.first_frame, track.last_frame) for track in tracks] == [(1, 0, 24), (2, 25, 49)]
    assert named(tracks) == ["Ann", "Ann"]
    assert watching.stats.cuts == 1


def test_a_change_of_size_is_a_cut(models: Models, library: Library, ann: Image) -> None:
    first = [scene(background(), [(ann, (200, 180))])] * 12
    second = [np.asarray(cv2.resize(first[0], (960, 540)), np.uint8)] * 12
    tracks = play(watcher(models, library), first + second)
    assert [(track.first_frame, track.last_frame) for track in tracks] == [(0, 11), (12, 23)]


def test_a_moving_camera_is_no_cut() -> None:
    motion = Motion()
    wide = np.tile(background(), (1, 3, 1))
    assert not any(motion.step(np.ascontiguousarray(wide[:, 12 * n : 12 * n + WIDTH])) for n in range(40))


def test_a_lost_face_is_taken_up_again(models: Models, library: Library, ann: Image) -> None:
    """Behind a wall for two seconds, out again at another place: the same id, the same name."""
    behind = background()

    def at(number: int) -> tuple[float, float] | None:
        return (150.0, 180.0) if number < 40 else None if number < 90 else (480.0, 200.0)

    counting = Counting(models)
    watching = watcher(models, library, embedder=counting)
    tracks = play(watching, [scene(behind, [(ann, at(number))]) for number in range(120)])
    assert named(tracks) == ["Ann"]
    frames = tracks[0].boxes[:, 0]
    assert frames[0] == 0 and frames[-1] == 119
    assert not ((frames > 60) & (frames < 88)).any()
    assert counting.count == 5  # four for the decision, one to know it again
    assert watching.stats.embedded_after_decision == 0


def test_somebody_else_is_not_taken_for_the_lost_one(
    models: Models, library: Library, ann: Image, bob: Image
) -> None:
    behind = background()
    first, second = (scene(behind, [(who, (150, 180))]) for who in (ann, bob))
    images = [first] * 40 + [behind] * 30 + [second] * 40
    assert named(play(watcher(models, library), images)) == ["Ann", "Bob"]


def test_two_people_who_cross_keep_their_names(
    models: Models, library: Library, ann: Image, bob: Image
) -> None:
    """Bob walks in front of Ann: both come out with the id they went in with."""
    behind = background()
    images = [
        scene(behind, [(ann, (140 + step, 180)), (bob, (500 - step, 190))]) for step in range(0, 364, 4)
    ]
    watching = watcher(models, library)
    tracks = play(watching, images)
    for name, first, last in (("Ann", 140, 500), ("Bob", 500, 140)):
        (track,) = [track for track in tracks if named([track]) == [name]]
        centres = (track.boxes[:, 1] + track.boxes[:, 3]) / 2
        assert abs(centres[0] - first) < 60, name
        assert abs(centres[-1] - last) < 60, name


def test_a_small_face_is_followed_but_not_decided(models: Models, library: Library, ann: Image) -> None:
    tiny = np.asarray(cv2.resize(ann, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    watching = watcher(models, library, LiveSettings(min_face=60, decide_after=3))
    states = set()
    for number in range(30):
        image = scene(background(), [(tiny, (150 + number, 180))])
        states |= {face.state for face in watching.watch(Frame(image, number, number / 25, START)).faces}
    assert states == {TrackState.SMALL}
    (track,) = watching.finish()
    assert track.decision is None and len(track.boxes) == 30


def test_one_person_once(models: Models, library: Library, ann: Image) -> None:
    """Twins: with the switch on only one of them can be Ann."""
    images = [scene(background(), [(ann, (150 + number, 180)), (ann, (480, 180))]) for number in range(40)]
    assert sorted(map(str, named(play(watcher(models, library), images)))) == ["Ann", "None"]
    both = LiveSettings(decide_after=4, one_person_once=False)
    assert named(play(watcher(models, library, both), images)) == ["Ann", "Ann"]


def test_an_empty_scene_has_no_tracks(models: Models, library: Library) -> None:
    assert play(watcher(models, library), [background()] * 30) == ()


def test_what_the_user_says_stays(models: Models, library: Library, ann: Image) -> None:
    watching = watcher(models, library)
    images = walk(60, ann)
    play_part(watching, images, 0, 40)
    assert watching.say(1, Person(9, "Cleo"))
    play_part(watching, images, 40, 60)
    assert named(watching.finish()) == ["Cleo"]
    assert not watching.say(99, None)


def play_part(watching: Watcher, images: Sequence[Image], start: int, end: int) -> None:
    for number in range(start, end):
        watching.watch(Frame(images[number], number, number / 25, START))


def test_other_settings_in_the_middle(models: Models, library: Library, ann: Image) -> None:
    """What is followed goes on, and is decided from the faces that are there."""
    counting = Counting(models)
    watching = watcher(models, library, LiveSettings(decide_after=30), embedder=counting)
    images = walk(50, ann)
    play_part(watching, images, 0, 30)
    assert watching.tracks()[0].decision is None
    before = counting.count
    assert 3 <= before < 30
    watching.change(LiveSettings(decide_after=3, min_face=200))
    play_part(watching, images, 30, 31)
    assert named(watching.tracks()) == ["Ann"]
    assert counting.count == before
    play_part(watching, images, 31, 50)
    (track,) = watching.finish()
    assert (track.first_frame, track.last_frame) == (0, 49)


def test_twins_are_named_when_the_switch_is_turned(models: Models, library: Library, ann: Image) -> None:
    images = [scene(background(), [(ann, (150 + number, 180)), (ann, (480, 180))]) for number in range(60)]
    watching = watcher(models, library)
    play_part(watching, images, 0, 40)
    assert sorted(map(str, named(watching.tracks()))) == ["Ann", "None"]
    named_track = next(track for track in watching.tracks() if track.decision and track.decision.person)
    watching.say(named_track.id, Person(9, "Cleo"))
    watching.change(LiveSettings(decide_after=4, one_person_once=False))
    play_part(watching, images, 40, 60)
    assert sorted(map(str, named(watching.finish()))) == ["Ann", "Cleo"], "what the user said stays"


class Judge:
    """Stands for the model that tells live faces from photos; says the same about every face."""

    def __init__(self, *scores: float) -> None:
        self.scores = scores
        self.asked: list[Floats] = []

    def score(self, image: Image, boxes: Floats) -> Floats:
        assert len(boxes) == 1
        self.asked.append(boxes[0])
        return np.array([self.scores[(len(self.asked) - 1) % len(self.scores)]], np.float32)


def test_a_face_is_judged_live_or_not_until_that_is_clear(
    models: Models, library: Library, ann: Image, bob: Image
) -> None:
    judge = Judge(0.9)
    watching = watcher(models, library, antispoof=lambda: judge)
    seen = []
    for number, image in enumerate(walk(80, ann, bob)):
        before = len(judge.asked)
        seen.append(watching.watch(Frame(image, number, number / 25, START)))
        assert len(judge.asked) - before <= 1, "one face a frame at the most"
    assert len(judge.asked) == 2 * FEWEST, "every look says the same, so no more are needed"
    verdicts = [{face.liveness.verdict for face in result.faces if face.liveness} for result in seen]
    assert {"unsure"} in verdicts and verdicts[-1] == {"live"}
    tracks = watching.finish()
    assert [track.liveness.words for track in tracks if track.liveness] == ["looks live"] * 2
    assert sorted(map(str, named(tracks))) == ["Ann", "Bob"]


def test_a_photo_is_named_all_the_same(models: Models, library: Library, ann: Image) -> None:
    """The guess is shown and nothing more: nobody is barred by it."""
    judge = Judge(0.0, 0.4)
    (track,) = play(watcher(models, library, antispoof=lambda: judge), walk(120, ann))
    assert named([track]) == ["Ann"]
    assert track.liveness is not None
    assert track.liveness.words == "looks like a photo or screen"
    assert FEWEST < len(judge.asked) <= MOST, "looks that differ are not enough after the fewest"


def test_nobody_is_judged_without_the_model_or_against_the_setting(
    models: Models, library: Library, ann: Image
) -> None:
    judge = Judge(0.9)
    off = LiveSettings(decide_after=4, liveness=False)
    for watching in (
        watcher(models, library, antispoof=lambda: None),
        watcher(models, library, off, antispoof=lambda: judge),
    ):
        (track,) = play(watching, walk(40, ann))
        assert track.liveness is None
        assert named([track]) == ["Ann"]
    assert judge.asked == []


def test_a_library_that_cannot_be_read_for_a_while(models: Models, library: Library, ann: Image) -> None:
    """Watching goes on; who was there is decided as soon as it can be, a track that has ended too."""
    locked = True

    def search(embedding: Floats) -> list[Match]:
        if locked:
            raise StoreUnavailable("locked", "The library is in use.")
        return library.search(embedding)

    away = [background()] * 30
    watching = Watcher(
        models.detector(), models.embedder(), search, lambda: 0.09, LiveSettings(decide_after=4)
    )
    images = walk(40, ann) + [255 - image for image in away] + [background(5)] * 60
    play_part(watching, images, 0, 60)
    assert "The library is in use." in watching.problem
    assert named(watching.tracks()) == [None]
    locked = False
    play_part(watching, images, 60, 130)
    assert watching.problem == ""
    assert named(watching.finish()) == ["Ann"]


# -- parts ----------------------------------------------------------------------------------------------


def test_the_filter_learns_a_constant_velocity() -> None:
    box = np.array([100, 100, 160, 180], np.float32)
    step = np.array([3, -2, 3, -2], np.float32)
    filtered = BoxFilter(box)
    for number in range(1, 30):
        filtered.predict()
        filtered.update(box + number * step, DETECTED_NOISE)
    for _ in range(5):
        filtered.predict()
    assert np.abs(filtered.box - (box + 34 * step)).max() < 3


def test_the_flow_follows_a_shift_and_a_growth(astronaut: Image) -> None:
    motion = Motion()
    image = np.asarray(cv2.resize(astronaut, (480, 480)), np.uint8)
    motion.step(image)
    matrix = np.array([[1.05, 0, 7 - 0.05 * 210], [0, 1.05, -4 - 0.05 * 110]], np.float32)
    motion.step(np.asarray(cv2.warpAffine(image, matrix, (480, 480)), np.uint8))
    (move,) = motion.follow(np.array([[170, 60, 250, 160]], np.float32))
    assert move is not None
    assert (move.dx, move.dy) == pytest.approx((7, -4), abs=1)
    assert move.scale == pytest.approx(1.05, abs=0.015)


def evidence(*claims: tuple[int, float]) -> Evidence:
    return Evidence(tuple(Claim(Person(id_, f"P{id_}"), d) for id_, d in claims), (), 0.1, 5, "vote", "")


def test_people_are_dealt_out_together() -> None:
    claims, losers = settle([evidence((1, 0.05)), evidence((1, 0.03))], [], once=True)
    assert [claim and claim.person.id for claim in claims] == [None, 1]
    claims, losers = settle([evidence((1, 0.04))], [(Person(1, "P1"), 0.05)], once=True)
    assert (claims, losers) == ([None], [])  # a little nearer is not enough
    claims, losers = settle([evidence((1, 0.02))], [(Person(1, "P1"), 0.06)], once=True)
    assert [claim and claim.person.id for claim in claims] == [1] and losers == [0]
    claims, losers = settle([evidence((1, 0.02))], [(Person(1, "P1"), 0.06)], once=False)
    assert [claim and claim.person.id for claim in claims] == [1] and losers == []


def test_a_close_second_is_refused(models: Models, library: Library, ann: Image) -> None:
    """Two people of the library who look the same: nobody is named rather than one of them by chance."""
    double = Library.__new__(Library)
    vector = library.people[0][1]
    double.people = [(Person(1, "Ann"), vector), (Person(2, "Twin"), vector)]
    (track,) = play(watcher(models, double), walk(40, ann))
    assert named([track]) == [None]
    assert track.decision is not None and "too close" in track.decision.reason
    assert replace(track.decision, reason="") != track.decision
