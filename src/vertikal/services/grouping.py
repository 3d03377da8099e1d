"""Group commit: callers that come while a transaction is under way share the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What can be grouped: its length counts towards the size of a group."""

    def __len__(self) -> int: ...


Item = TypeVar("Item", bound=Sized)


@dataclass(eq=False)
class _Ticket(Generic[Item]):
    item: Item
    called: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    error: BaseException | None = None


class Group(Generic[Item]):
    """Does ``work`` for everybody who waits, at most ``most`` items' lengths at a time (one item alone may be longer).

    There is no thread of its own: the first to come does the work, those who come meanwhile wait, and one of them
    does the next for all of them. An error of the work is everybody's whose item was in it.
    """

    def __init__(self, work: Callable[[Sequence[Item]], None], most: int) -> None:
        self._work = work
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[_Ticket[Item]] = []
        self._busy = False

    def join(self, item: Item) -> None:
        """Have the work done for ``item``, together with others. Raises what the work raises."""
        ticket = _Ticket(item)
        with self._lock:
            self._waiting.append(ticket)
            ticket.leads, self._busy = not self._busy, True
        if not ticket.leads:
            ticket.called.wait()
        if ticket.leads:
            self._lead()
        if ticket.error is not None:
            raise ticket.error

    def _lead(self) -> None:
        together = self._next()
        try:
            self._work([ticket.item for ticket in together])
        except BaseException as error:
            for ticket in together:
                ticket.error = error
        finally:
            self._hand_over(together)

    def _next(self) -> list[_Ticket[Item]]:
        """Those whose turn it is, the leader first."""
        with self._lock:
            count, length = 1, len(self._waiting[0].item)
            while count < len(self._waiting) and length + len(self._waiting[count].item) <= self._most:
                length += len(self._waiting[count].item)
                count += 1
            together, self._waiting = self._waiting[:count], self._waiting[count:]
            return together

    def _hand_over(self, done: list[_Ticket[Item]]) -> None:
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            if following is None:
                self._busy = False
            else:
                following.leads = True
        if following is not None:
            following.called.set()
        for ticket in done:
            ticket.called.set()
