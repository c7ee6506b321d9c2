"""Audio LLMs, asked in one way: samples, sample rate and prompt in, text out.

Any function ``(samples, sample_rate, prompt) -> str`` is a model here. Two are at hand:
:class:`TransformersModel` for weights and :class:`EndpointModel` for a server.
"""

from voxguard.audiollm.asking import ask
from voxguard.audiollm.endpoint import EndpointModel
from voxguard.audiollm.model import (
    AudioModel,
    EncodesAudio,
    ScoresText,
    TextScores,
    name_of,
    needs,
)
from voxguard.audiollm.protected import Protected
from voxguard.audiollm.question import Answer, Question
from voxguard.audiollm.record import AnswerRecord
from voxguard.audiollm.transformers import TransformersModel

__all__ = [
    "Answer",
    "AnswerRecord",
    "AudioModel",
    "EncodesAudio",
    "EndpointModel",
    "Protected",
    "Question",
    "ScoresText",
    "TextScores",
    "TransformersModel",
    "ask",
    "name_of",
    "needs",
]
