"""Speech recognisers, for the word error rate: the words are what anonymization is to keep."""

from voxguard.utility.recognisers.base import Recogniser, create_recogniser, recognisers

__all__ = ["Recogniser", "create_recogniser", "recognisers"]
