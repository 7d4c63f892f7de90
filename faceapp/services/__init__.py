"""The one door: the window, the REST port and the command line stand on these and nothing else."""

from faceapp.services.cameras import Cameras
from faceapp.services.classroom import Classroom
from faceapp.services.door import Services
from faceapp.services.enrolment import Candidate, Enrolled, Enrolment
from faceapp.services.forgetting import Forgetting
from faceapp.services.live import Live
from faceapp.services.morphs import Morphs
from faceapp.services.people import People
from faceapp.services.recognisers import Recognisers
from faceapp.services.recognition import Recognition
from faceapp.services.sightings import Sightings
from faceapp.services.swaps import Swaps
from faceapp.services.upkeep import Upkeep

__all__ = [
    "Cameras",
    "Candidate",
    "Classroom",
    "Enrolled",
    "Enrolment",
    "Forgetting",
    "Live",
    "Morphs",
    "People",
    "Recognisers",
    "Recognition",
    "Services",
    "Sightings",
    "Swaps",
    "Upkeep",
]
