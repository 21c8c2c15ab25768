"""What a method remembers between steps, and how to look at it without its remembering that."""

from unlabeled.state.base import State
from unlabeled.state.borrowed import borrowed
from unlabeled.state.prototypes import Prototypes
from unlabeled.state.queue import Queue
from unlabeled.state.teacher import Teacher

__all__ = ["Prototypes", "Queue", "State", "Teacher", "borrowed"]
