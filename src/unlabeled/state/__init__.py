"""What a method remembers between steps: teachers, queues, prototypes."""

from unlabeled.state.base import State
from unlabeled.state.prototypes import Prototypes
from unlabeled.state.queue import Queue
from unlabeled.state.teacher import Teacher

__all__ = ["Prototypes", "Queue", "State", "Teacher"]
