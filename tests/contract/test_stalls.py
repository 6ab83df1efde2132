"""The measure that tests of a promised time take off: it excuses a machine's stall, and nothing else."""

import pytest
from support.stalls import stalled_s, stolen_s


def test_processes_that_wait_beside_each_other_excuse_no_more_than_one_chain_of_them() -> None:
    """Twenty backends of PostgreSQL that each waited 0.4 s delay an answer by no 8 s."""
    after = {(pid, pid): 0.4 for pid in range(20)}
    assert stalled_s({}, after) == pytest.approx(0.8)


def test_threads_of_a_process_are_one_wait() -> None:
    """The longest of them; what they had waited before counts nothing."""
    before, after = {(1, 1): 5.0, (1, 2): 1.0}, {(1, 1): 5.1, (1, 2): 1.3, (1, 3): 0.2, (2, 2): 0.05}
    assert stalled_s(before, after) == pytest.approx(0.35)


def test_the_host_excuses_what_it_took_from_one_core() -> None:
    """A chain of processes runs on one core at a time: what two cores lost beside each other is one delay."""
    assert stolen_s([3.0, 1.0], [3.2, 1.5]) == pytest.approx(0.5)
    assert stolen_s([], []) == 0.0
