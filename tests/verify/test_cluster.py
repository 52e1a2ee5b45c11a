"""Work on a cluster: a worker killed in the middle loses nothing and counts nothing twice."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from distributed import LocalCluster

from looped.errors import ClusterError
from looped.verify.cluster import map_on_cluster
from tests.cli.test_cli import looped as command


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as running:
        yield running


def square(number: int) -> int:
    time.sleep(0.02)
    return number * number


def kill_one(cluster: LocalCluster) -> None:
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)


def test_results_come_once_and_in_order_though_a_worker_is_killed(cluster: LocalCluster) -> None:
    results = []
    for result in map_on_cluster(square, range(100), cluster.scheduler_address):
        results.append(result)
        if len(results) == 20:
            kill_one(cluster)
    assert results == [n * n for n in range(100)]


@pytest.mark.slow
def test_random_programs_are_the_same_there_though_a_worker_is_killed(
    cluster: LocalCluster,
) -> None:
    arguments = ("verify", "--fuzz", 320, "--engine", "lifted", "--json")
    arguments += ("--machine", "subleq", "--width", "8", "--memory", "32")
    timer = threading.Timer(3, kill_one, [cluster])
    timer.start()
    there = command(*arguments, "--cluster", cluster.scheduler_address)
    timer.join()
    assert there.exit_code == 0
    assert json.loads(there.stdout) == json.loads(command(*arguments).stdout)


def test_an_error_in_the_work_is_raised_here(cluster: LocalCluster) -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_on_cluster((1).__truediv__, [1, 0], cluster.scheduler_address))


def test_where_nobody_is_there_is_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("looped.verify.cluster._PATIENCE", 0.2)
    with pytest.raises(ClusterError, match="no cluster at tcp://127.0.0.1:9"):
        list(map_on_cluster(square, [1], "tcp://127.0.0.1:9"))
