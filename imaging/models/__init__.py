"""The models of `imaging`, by noun."""

from imaging.models.plates import PlateReading
from imaging.models.runs import Detection, JobRun, JobState, ModelVersion, PipelineRun, RunState
from imaging.models.tasks import ImageTask, TaskImage, TaskKind, TaskState

__all__ = [
    "Detection",
    "ImageTask",
    "JobRun",
    "JobState",
    "ModelVersion",
    "PipelineRun",
    "PlateReading",
    "RunState",
    "TaskImage",
    "TaskKind",
    "TaskState",
]
