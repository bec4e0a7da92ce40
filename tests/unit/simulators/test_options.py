from __future__ import annotations

import pytest

from simulators.options import CloudOptions, LegacyOptions, OptionError, Options


def test_defaults_are_the_published_limits() -> None:
    options = CloudOptions()
    assert (options.limit, options.window_s) == (6000, 300.0)
    assert (options.concurrency, options.queue, options.queue_wait_s) == (5, 95, 480.0)
    assert options.retry_after is False
    assert LegacyOptions().sessions == 4


def test_texts_become_values_of_the_right_kind() -> None:
    options = CloudOptions.from_texts(
        {
            "limit": "7",
            "window_s": "1.5",
            "retry_after": "YES",
            "closed_periods": "2026-10, 2026-09",
            "client_id": "someone",
        }
    )
    assert (options.limit, options.window_s, options.retry_after) == (7, 1.5, True)
    assert options.closed_periods == ("2026-10", "2026-09")
    assert options.client_id == "someone"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ({"limit": "many"}, "limit is 'many', it must be a whole number"),
        ({"window_s": "nan"}, "window_s is nan, it must be from 0.05 to 3600"),
        ({"window_s": "x"}, "window_s is 'x', it must be a number"),
        ({"limit": "0"}, "limit is 0, it must be from 1 to 1e+06"),
        ({"retry_after": "maybe"}, "retry_after is 'maybe', it must be true or false"),
        ({"closed_periods": "2026-13"}, "closed_periods holds '2026-13', it must be a month"),
        ({"latency_ms_min": "9", "latency_ms_max": "3"}, "latency_ms_min 9 is above"),
    ],
)
def test_a_wrong_option_is_named_with_its_remedy(text: dict[str, str], complaint: str) -> None:
    with pytest.raises(OptionError) as caught:
        CloudOptions.from_texts(text)
    assert complaint in str(caught.value)


def test_settings_change_a_copy() -> None:
    before = LegacyOptions()
    after = before.changed({"ship_after_s": 5, "closed_periods": ["2026-10"]})
    assert (after.ship_after_s, after.closed_periods) == (5.0, ("2026-10",))
    assert (before.ship_after_s, before.closed_periods) == (60.0, ())


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"seed": 2}, "no setting 'seed'; there are latency_ms_min, latency_ms_max, ship_after_s"),
        ({"ship_after_s": "5"}, "ship_after_s is '5', it must be of the kind of 60.0"),
        ({"ship_after_s": True}, "ship_after_s is True, it must be of the kind of 60.0"),
        ({"ship_after_s": -1}, "ship_after_s is -1, it must be from 0"),
        ({"closed_periods": "2026-10"}, "closed_periods is '2026-10', it must be of the kind"),
        ({"closed_periods": [202610]}, "closed_periods holds 202610"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(OptionError) as caught:
        Options().changed(values)
    assert complaint in str(caught.value)


def test_only_what_may_change_is_a_setting() -> None:
    assert "posting_interval_s" in LegacyOptions().live()
    assert "password" not in LegacyOptions().live()
    assert "client_secret" not in CloudOptions().live()
