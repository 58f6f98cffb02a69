"""One contract for every communicator, kept by real processes; and the team of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import torch

from harness.team.communicator import Alone, Traffic
from harness.team.rendezvous import COMMUNICATORS
from tests.team import in_team
from tests.team.teams import HOROVOD_IS_MISSING, RankFailed, Teams

SIZES = (1, 2, 3, 4)


@pytest.fixture(scope="module", params=COMMUNICATORS)
def teams(request: pytest.FixtureRequest) -> Iterator[Teams]:
    """Real processes that talk to each other with either library."""
    if request.param == "horovod":
        pytest.importorskip("horovod.torch", reason=HOROVOD_IS_MISSING)
    with contextlib.closing(Teams(request.param)) as teams:
        yield teams


@pytest.mark.parametrize("size", SIZES)
def test_ranks_know_their_place_and_share_all_tasks_out(teams: Teams, size: int):
    told = teams.run(size, in_team.place)
    assert [rank for rank, _, _ in told] == list(range(size))
    assert {of for _, of, _ in told} == {size}
    assert sorted(task for *_, tasks in told for task in tasks) == list(range(7))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("count", [1, 5, 3000])
@pytest.mark.parametrize("size", SIZES)
def test_a_sum_is_right_and_the_same_on_all_ranks_to_the_bit(
    teams: Teams, size: int, count: int, dtype: str
):
    told = teams.run(size, in_team.summed, count, dtype)
    owed = sum(in_team.numbers(rank, count, dtype) for rank in range(size))
    assert len({bits for bits, _, _ in told}) == 1
    found = torch.tensor(told[0][1], dtype=owed.dtype)
    assert torch.allclose(found, owed, rtol=1e-6 if dtype == "float32" else 1e-14)
    assert told[0][2] == f"torch.{dtype}"


@pytest.mark.parametrize("size", SIZES)
def test_strides_are_each_ranks_own_affair(teams: Teams, size: int):
    owed = sum(in_team.numbers(rank, 10, "float64") for rank in range(size))
    square = sum(in_team.numbers(rank, 6, "float64") for rank in range(size)).reshape(2, 3)
    for rank, (line, found, scalar) in enumerate(teams.run(size, in_team.summed_strided)):
        assert line[::2] == pytest.approx(owed[::2].tolist(), rel=1e-14)
        assert line[1::2] == in_team.numbers(rank, 10, "float64")[1::2].tolist()
        assert found == [pytest.approx(row, rel=1e-14) for row in square.tolist()]
        assert scalar == sum(range(size))


def test_a_parameter_can_be_summed_and_is_one_afterwards(teams: Teams):
    assert teams.run(2, in_team.summed_leaf) == [([2.0, 2.0], True)] * 2


@pytest.mark.parametrize("size", SIZES)
def test_sums_go_on_while_something_else_is_computed(teams: Teams, size: int):
    for found, meanwhile, sent in teams.run(size, in_team.overlapped, 5):
        for part, values in enumerate(found):
            owed = sum(in_team.numbers(rank, 1000 + part, "float32") for rank in range(size))
            assert torch.allclose(torch.tensor(values), owed)
        assert meanwhile == 50.0**3
        assert (sent.calls, sent.bytes) == (5, 4 * (5 * 1000 + 10))


@pytest.mark.parametrize("size", SIZES)
def test_a_broadcast_hands_on_the_roots_values(teams: Teams, size: int):
    for root in range(size):
        owed = in_team.numbers(root, 4, "float32").tolist()
        strided = in_team.numbers(root, 4, "float64").tolist()[::2]
        for rank, told in enumerate(teams.run(size, in_team.broadcast, root)):
            others = in_team.numbers(rank, 4, "float64").tolist()
            assert told == (owed, [root], [strided[0], others[1], strided[1], others[3]])


@pytest.mark.parametrize("size", SIZES)
def test_texts_of_any_length_are_gathered_by_rank(teams: Teams, size: int):
    owed = [f"rank {rank}: " + "ä\n" * rank for rank in range(size)]
    assert teams.run(size, in_team.gathered) == [owed] * size


def test_all_reduces_alone_are_counted_with_their_bytes(teams: Teams):
    for start, summed, end in teams.run(2, in_team.counted):
        assert start == (0, 0, 0.0)
        assert (summed.calls, summed.bytes) == (2, 3 * 4 + 5 * 8)
        assert summed.seconds > 0
        assert end == summed


def test_seconds_are_those_of_who_waits_and_a_barrier_holds_everyone(teams: Teams):
    late, early = teams.run(2, in_team.waited)
    assert early[0] > late[0] > 0
    assert early[1] > late[1]


@pytest.mark.parametrize("size", SIZES)
def test_nothing_can_be_summed_and_the_next_sum_is_right(teams: Teams, size: int):
    assert teams.run(size, in_team.empty) == [([], [float(size)])] * size


@pytest.mark.parametrize(("how", "told"), [("raises", "out of ideas"), ("dies", "process ended")])
def test_a_rank_that_fails_is_named_and_the_others_do_not_wait_for_it(
    teams: Teams, how: str, told: str
):
    with pytest.raises(RankFailed, match=rf"rank 1 of 3: [^$]*{told}"):
        teams.run(3, in_team.goes_wrong, 1, how)
    assert len(teams.run(3, in_team.place)) == 3


def test_alone_sums_are_what_was_put_in_and_nothing_is_sent():
    alone = Alone()
    tensor = torch.ones(3)
    alone.all_reduce(tensor)
    alone.start_all_reduce(tensor).wait()
    alone.broadcast(tensor)
    alone.barrier()
    alone.close()
    assert tensor.tolist() == [1.0, 1.0, 1.0]
    assert alone.gather("here") == ["here"]
    assert list(alone.share(3)) == [0, 1, 2]
    assert (alone.rank, alone.size, alone.traffic.calls, alone.traffic.bytes) == (0, 1, 0, 0)


def test_what_a_device_waited_is_read_when_it_is_asked_for():
    traffic, read = Traffic(), []
    traffic.waits_on_device(lambda: read.append(None) or 0.25)
    traffic.waited(1.0)
    assert not read
    assert (traffic.seconds, traffic.seconds, len(read)) == (1.25, 1.25, 1)
