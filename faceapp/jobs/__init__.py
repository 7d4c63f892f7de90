"""One Job for the window, the REST port and the command line."""

from faceapp.jobs.job import Job, JobContext, State
from faceapp.jobs.manager import InlineExecutor, JobManager, ThreadExecutor

__all__ = ["InlineExecutor", "Job", "JobContext", "JobManager", "State", "ThreadExecutor"]
