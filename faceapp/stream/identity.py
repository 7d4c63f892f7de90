"""Who a track is: decided from its faces by voting or by fusing them, for all tracks of a frame together.

Fusing: the mean of the embeddings is looked up as one face; the noise of single frames averages out.
Voting: moreover each face is for the person it is nearest to, if it is near enough, otherwise for nobody,
and the person must have at least half of the votes and clearly more than anybody else.
Both refuse a tie and a small margin: a wrong name is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceapp.live import Decision, Method, Vote
from faceapp.stream.track import LiveTrack
from faceapp.types import Floats, Match, Person

# The nearest people of an embedding (D,), nearest first; `Match.same_person` says whether near enough.
Search = Callable[[Floats], Sequence[Match]]
# The number of a stranger (D,) who was seen before, or None.
VisitorFor = Callable[[Floats], int | None]

# The share of the faces that the winner of a vote needs, and how many times the votes of the next person.
ENOUGH_VOTES = 0.5
CLEARLY_MORE = 2.0
# The mean of a track's faces must be nearer to its person than one face alone: its noise is averaged out.
# On 350 people of LFW, two photos each, 0.72 of the threshold keeps 97 % of the right names and names a
# stranger a twentieth as often (with six people enrolled 0.4 % instead of 8 %).
FUSED_SHARE = 0.72
# How much nearer a fused track must be to its person than to the next one (cosine distance).
MARGIN = 0.01
# How much better a newcomer must fit a person than the track that already has the name.
TAKE_AWAY = 0.02
NOBODY = 10.0


@dataclass(frozen=True)
class Claim:
    """A person that a track may be, with how far it is from them; smaller is better."""

    person: Person
    distance: float


@dataclass(frozen=True)
class Evidence:
    """What the faces of one track say.

    claims: people it may be, best first; the first is who it is when nobody has a better claim.
    distance: to the nearest person, whoever it is; None in an empty library. reason: why there is no claim.
    """

    claims: tuple[Claim, ...]
    votes: tuple[Vote, ...]
    distance: float | None
    faces: int
    method: Method
    reason: str


def weigh(track: LiveTrack, method: Method, search: Search, threshold: float) -> Evidence:
    """Look the faces of a track up. threshold: the distance up to which two faces are one person."""
    template = track.template
    assert template is not None, "the track has no embedded face"
    nearest = [_allowed(search(sample.embedding), track) for sample in track.samples]
    fused = _allowed(search(template), track)
    votes, faces = _count(nearest), len(track.samples)
    distance = fused[0].distance if fused else None
    near = [match for match in fused if match.distance <= FUSED_SHARE * threshold]
    if not near:
        return Evidence((), votes, distance, faces, method, _nobody(fused, faces))
    best, reason = near[0], f"The mean of {faces} faces is near to {near[0].person.name}."
    if len(fused) > 1 and fused[1].distance - best.distance < MARGIN:
        reason = f"As near to {fused[1].person.name} as to {best.person.name}: too close."
        return Evidence((), votes, distance, faces, method, reason)
    if method == "vote":
        won, reason = _election(votes, best.person, faces)
        if not won:
            return Evidence((), votes, distance, faces, method, reason)
    claims = tuple(Claim(match.person, match.distance) for match in near[:1])
    return Evidence(claims, votes, distance, faces, method, reason)


def _allowed(matches: Sequence[Match], track: LiveTrack) -> list[Match]:
    return [match for match in matches if match.person.id not in track.excluded]


def _count(nearest: Sequence[Sequence[Match]]) -> tuple[Vote, ...]:
    """The votes, most first. A vote's distance is the mean over its faces."""
    people: dict[int | None, Person | None] = {None: None}
    distances: dict[int | None, list[float]] = {}
    for found in nearest:
        best = found[0] if found else None
        person = best.person if best is not None and best.same_person else None
        key = person.id if person else None
        people[key] = person
        distances.setdefault(key, [])
        if best is not None:
            distances[key].append(best.distance)
        elif key is None:
            distances[key].append(float("nan"))
    counted = [
        Vote(people[key], len(values), None if np.isnan(values).any() else float(np.mean(values)))
        for key, values in distances.items()
    ]
    return tuple(sorted(counted, key=lambda vote: (-vote.count, vote.person is None)))


def _election(votes: tuple[Vote, ...], person: Person, faces: int) -> tuple[bool, str]:
    """Whether that person has won, and why or why not."""
    named = [vote for vote in votes if vote.person is not None]
    count = sum(vote.count for vote in named if vote.person is not None and vote.person.id == person.id)
    others = [vote for vote in named if vote.person is not None and vote.person.id != person.id]
    if count < ENOUGH_VOTES * faces:
        return False, f"Only {count} of {faces} faces are near to {person.name}."
    if others and count < CLEARLY_MORE * others[0].count:
        other = others[0].person
        assert other is not None
        against = f"{others[0].count} to {other.name}"
        return False, f"{count} faces are near to {person.name}, {against}: too close."
    return True, f"{count} of {faces} faces are near to {person.name}."


def _nobody(fused: Sequence[Match], faces: int) -> str:
    if not fused:
        return "Nobody is enrolled."
    return f"None of {faces} faces is near enough to anybody; the nearest is {fused[0].person.name}."


def settle(
    pending: Sequence[Evidence], held: Sequence[tuple[Person, float]], once: bool
) -> tuple[list[Claim | None], list[int]]:
    """Who gets whom, when everybody may be there once: an assignment problem over all that claim.

    pending: the evidence of the tracks to decide. held: the people of the tracks in view that are decided,
    with their distances. Comes back with a claim, or none, for each of `pending`, and with the positions in
    `held` that lose their person to a much better claim.
    """
    if not once:
        return [evidence.claims[0] if evidence.claims else None for evidence in pending], []
    people = sorted(
        {claim.person.id for evidence in pending for claim in evidence.claims}
        | {person.id for person, _ in held}
    )
    if not people:
        return [None] * len(pending), []
    column = {person: index for index, person in enumerate(people)}
    rows = len(pending) + len(held)
    costs = np.full((rows, len(people) + rows), NOBODY)
    for row, evidence in enumerate(pending):
        for claim in evidence.claims:
            costs[row, column[claim.person.id]] = claim.distance
    for row, (person, distance) in enumerate(held, start=len(pending)):
        # The one who has the name keeps it unless the other is clearly nearer.
        costs[row, column[person.id]] = distance - TAKE_AWAY
    from scipy.optimize import linear_sum_assignment

    _, picked = linear_sum_assignment(costs)
    claims: list[Claim | None] = []
    for row, evidence in enumerate(pending):
        named = {column[claim.person.id]: claim for claim in evidence.claims}
        claims.append(named.get(int(picked[row])))
    losers = [
        index
        for index, (person, _) in enumerate(held)
        if int(picked[len(pending) + index]) != column[person.id]
    ]
    return claims, losers


def decision(evidence: Evidence, claim: Claim | None, visitor: int | None = None) -> Decision:
    """The record of what was decided."""
    reason = evidence.reason
    if claim is None and evidence.claims:
        taken = evidence.claims[0].person.name
        reason = f"It looks like {taken}, but another face in this picture is more like {taken}."
    return Decision(
        person=claim.person if claim else None,
        visitor=None if claim else visitor,
        distance=claim.distance if claim else evidence.distance,
        votes=evidence.votes,
        faces=evidence.faces,
        method=evidence.method,
        reason=reason,
    )


def renamed(made: Decision, person: Person | None) -> Decision:
    """The decision after the user has said who it is."""
    return replace(made, person=person, visitor=None, reason="You said so.")
