"""Requests are made at a rate, whatever the clock does."""

from dataclasses import dataclass, field

from forensics.acquire.limiter import Limiter


@dataclass
class Clock:
    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def test_after_a_burst_requests_wait_for_their_turn() -> None:
    clock = Clock()
    limiter = Limiter(2, 2, clock.read, clock.sleep)
    for _ in range(5):
        limiter.wait()
    assert clock.slept == [0.5, 0.5, 0.5]


def test_time_that_passes_is_not_waited_for_again_and_not_saved_beyond_the_burst() -> None:
    clock = Clock()
    limiter = Limiter(2, 2, clock.read, clock.sleep)
    limiter.wait()
    clock.now += 60
    for _ in range(3):
        limiter.wait()
    assert clock.slept == [0.5]


def test_a_throttling_answer_halves_the_rate_down_to_a_limit() -> None:
    clock = Clock()
    limiter = Limiter(2, 2, clock.read, clock.sleep)
    limiter.slow_down()
    limiter.wait()
    assert clock.slept == [1.0]
    for _ in range(20):
        limiter.slow_down()
    limiter.wait()
    assert clock.slept[-1] == 8.0
