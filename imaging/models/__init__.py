"""The models of `imaging`, by noun."""

from imaging.models.plates import PlateReading
from imaging.models.runs import Detection, JobRun, JobState, PipelineRun, RunState
from imaging.models.shadows import ShadowRun, ShadowState
from imaging.models.tasks import ImageTask, TaskImage, TaskKind, TaskState
from imaging.models.versions import CandidateFile, ChangeKind, ModelChange, ModelVersion
from imaging.states import VersionState

__all__ = [
    "CandidateFile",
    "ChangeKind",
    "Detection",
    "ImageTask",
    "JobRun",
    "JobState",
    "ModelChange",
    "ModelVersion",
    "PipelineRun",
    "PlateReading",
    "RunState",
    "ShadowRun",
    "ShadowState",
    "TaskImage",
    "TaskKind",
    "TaskState",
    "VersionState",
]
