"""Who lives in the demo. That it runs: tests/journeys."""

from __future__ import annotations

import pytest

from devopsclaw.demo.town import residents


def test_three_live_there_and_one_is_in_trouble() -> None:
    people = residents(3)

    assert [each.name for each in people] == ["prod-web-1", "prod-web-2", "prod-api-1"]
    assert [each.labels for each in people] == [
        ["env=prod", "role=web"],
        ["env=prod", "role=web"],
        ["env=prod", "role=api"],
    ]
    assert [each.name for each in people if each.fill and each.dead] == ["prod-web-2"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 50])
def test_any_number_can_live_there_each_by_another_name(count: int) -> None:
    names = [each.name for each in residents(count)]

    assert len(set(names)) == count
    assert all(name.startswith("prod-worker-") for name in names[3:])
