"""The figures of a relay, without a socket."""

from __future__ import annotations

from devopsclaw.relay.metrics import Metrics


def page_of(metrics: Metrics) -> str:
    """The text that is scraped."""
    return metrics.page().decode()


def test_gauges_show_what_is_so_when_they_are_read() -> None:
    metrics, nodes = Metrics(), ["one"]
    metrics.watch(
        {"node": lambda: 2.0, "controller": lambda: 1.0},
        nodes=lambda: float(len(nodes)),
        claimed=lambda: 0.0,
        connections=lambda: 3.0,
    )
    before = page_of(metrics)
    nodes.append("two")

    assert "devopsclaw_relay_nodes 1.0" in before
    assert "devopsclaw_relay_nodes 2.0" in page_of(metrics)
    assert 'devopsclaw_relay_sessions{role="node"} 2.0' in before


def test_two_relays_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()

    one.refused.labels("wrong_token").inc()

    assert 'devopsclaw_relay_refused_total{code="wrong_token"} 1.0' in page_of(one)
    assert "wrong_token" not in page_of(other)


def test_every_figure_says_what_it_means() -> None:
    lines = page_of(Metrics()).splitlines()
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    described = [line.split()[2] for line in lines if line.startswith("# HELP") and len(line.split()) > 3]

    assert names == described
    assert len(names) == len(set(names)) == 11
