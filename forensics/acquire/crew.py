"""Jobs done by a few threads, the most urgent first; what they find comes out in the thread that asks for it."""

from __future__ import annotations

import heapq
import queue
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from threading import BoundedSemaphore, Event, Lock

from forensics.acquire import Found

Job = Callable[[], Iterator[Found]]
AHEAD = 64
"""Objects that may wait to be taken in; then the threads wait."""


class Crew:
    """Threads that share one heap of jobs; a job may put further ones. `found` ends when nothing is left to do."""

    def __init__(self, threads: int) -> None:
        self.put_in = 0
        self.done = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="collect")
        self._heap: list[tuple[int, int, Job]] = []
        self._order = count()
        self._lock = Lock()
        self._stop = Event()
        self._room = BoundedSemaphore(AHEAD)
        self._out: queue.SimpleQueue[Found | Future[None]] = queue.SimpleQueue()

    def put(self, urgency: int, job: Job) -> None:
        """Add a job; of two, the one with the smaller `urgency` is begun first, else the one that came first."""
        with self._lock:
            if self._stop.is_set():
                return
            heapq.heappush(self._heap, (urgency, next(self._order), job))
            self.put_in += 1
            done = self._pool.submit(self._next)
        done.add_done_callback(self._out.put)

    def stop(self) -> None:
        """Begin no further job, and end those under way at their next object."""
        self._stop.set()

    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stop.is_set()

    def found(self) -> Generator[Found, None, None]:
        """What the jobs find. Raises what a job raised; leaving it stops the crew."""
        try:
            while self.done < self.put_in:
                if isinstance(item := self._get(), Future):
                    item.result()
                else:
                    yield item
        finally:
            self.stop()
            self._drain()
            self._pool.shutdown(wait=True)

    def _next(self) -> None:
        with self._lock:
            job = heapq.heappop(self._heap)[2]
        if self._stop.is_set():
            return
        for item in job():
            self._room.acquire()
            self._out.put(item)
            if self._stop.is_set():
                return

    def _get(self) -> Found | Future[None]:
        item = self._out.get()
        if isinstance(item, Future):
            self.done += 1
        else:
            self._room.release()
        return item

    def _drain(self) -> None:
        """Let threads that wait for room go on to their end."""
        while self.done < self.put_in:
            if isinstance(item := self._get(), Found):
                close(item)


def close(found: Found) -> None:
    """Let go of an object that was taken in, or will not be."""
    if found.stream:
        found.stream.close()
