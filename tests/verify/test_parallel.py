"""Work handed to several processes comes back in order, errors and all."""

from __future__ import annotations

import os

import pytest

from looped.errors import Diagnostic, FileError, SourceError
from looped.verify.parallel import parallel_map


def square(number: int) -> tuple[int, int]:
    if number == 3:
        raise FileError("three is not there", hint="take two")
    if number == 4:
        raise SourceError([Diagnostic("first"), Diagnostic("second")])
    return number * number, os.getpid()


def test_results_come_in_the_order_of_the_items() -> None:
    results = list(parallel_map(square, [5, 1, 2], jobs=2))
    assert [number for number, _ in results] == [25, 1, 4]
    assert os.getpid() not in {process for _, process in results}


def test_one_job_is_this_process() -> None:
    assert list(parallel_map(square, [1, 2])) == [(1, os.getpid()), (4, os.getpid())]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_is_raised_in_its_place(jobs: int) -> None:
    results = parallel_map(square, [1, 3, 2], jobs)
    assert next(results)[0] == 1
    with pytest.raises(FileError, match="three is not there") as caught:
        next(results)
    assert caught.value.diagnostics[0].hint == "take two"


def test_all_errors_of_a_source_come_along() -> None:
    with pytest.raises(SourceError) as caught:
        list(parallel_map(square, [1, 4], jobs=2))
    assert [d.message for d in caught.value.diagnostics] == ["first", "second"]
