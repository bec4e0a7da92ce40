"""Stop signals: raised once in the main thread, not heard while stopping."""

from __future__ import annotations

import os
import signal

import pytest

from loadtests.demo.errors import Stopped
from loadtests.demo.signals import STOP, stoppable, undisturbed


@pytest.mark.parametrize("number", STOP)
def test_a_stop_signal_raises_its_name(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped, match=number.name), stoppable():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_stopping_is_not_disturbed() -> None:
    finished = False
    with stoppable():
        with undisturbed():
            for number in STOP:
                os.kill(os.getpid(), number)
            finished = True
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGTERM)
    assert finished
