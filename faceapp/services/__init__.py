"""The one door: the window, the REST port and the command line stand on these and nothing else."""

from faceapp.services.door import Services
from faceapp.services.enrolment import Candidate, Enrolled, Enrolment
from faceapp.services.people import People
from faceapp.services.recognition import Recognition
from faceapp.services.upkeep import Upkeep

__all__ = ["Candidate", "Enrolled", "Enrolment", "People", "Recognition", "Services", "Upkeep"]
