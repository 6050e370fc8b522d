"""The check command: what it prints and its exit code."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cartwheel import check

RunCheck = Callable[..., tuple[int, str, str, Path]]


GOOD = """
name: shop
session: {gap: 45m, collect: {views: {count: Product Viewed}, spent: {sum: properties.price}}}
triggers:
  cart_abandoned: {on: Product Added, after: 90s, cancel: [Order Completed, Cart Cleared]}
  welcome: {on: Signed Up}
"""
BAD = "name: shop\nsesion: {}\nretention: soon\n"


@pytest.fixture
def run_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> RunCheck:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crm.csv").write_text("id,tier\nu1,gold\n")

    def run(text: str | None, *options: str) -> tuple[int, str, str, Path]:
        path = tmp_path / "shop.yaml"
        if text is not None:
            path.write_text(text)
        parser = argparse.ArgumentParser()
        check.add_arguments(parser)
        exit_code = check.run(parser.parse_args([str(path), *options]))
        return exit_code, *capsys.readouterr(), path

    return run


def test_a_good_config_is_fine_and_summed_up(run_check: RunCheck) -> None:
    exit_code, out, err, path = run_check(GOOD)
    assert (exit_code, err) == (0, "")
    assert out.splitlines() == [
        f"{path}: fine",
        "  sessions: end 45m after the last event, collect views, spent",
        "  triggers: 2",
        "    cart_abandoned: Product Added after 90s, unless Cart Cleared or Order Completed",
        "    welcome: Signed Up",
    ]


def test_triggers_and_what_holds_for_their_messages_are_summed_up(run_check: RunCheck) -> None:
    exit_code, out, _, _ = run_check("""
name: shop
segments: {vip: trait.points > 5}
triggers:
  cart:
    on: X
    cancel: [{leave: vip}, {on: B, where: trait.a}, A]
    then: [{after: 24h}, {after: 90m}]
  gone: {on: {leave: vip}, enabled: false}
  closed: {on: {session: closed}}
limits: [{at_most: 1, per: day}]
quiet_hours: {from: 21:00, to: 08:30}
holdout: 2.50%
""")
    assert exit_code == 0
    assert out.splitlines()[4:] == [
        "  triggers: 3",
        "    cart: X, then after 1d, then after 90m, unless A or leave vip or B where trait.a",
        "    gone: leave vip (not enabled)",
        "    closed: session closed",
        "  limits: 1",
        "  quiet hours: 21:00 to 08:30, the customer's zone, hold",
        "  holdout: 2.5%",
    ]


def test_a_config_with_only_a_name_is_fine(run_check: RunCheck) -> None:
    exit_code, out, _, _ = run_check("name: shop")
    assert exit_code == 0
    assert "collect nothing" in out
    assert "triggers: none" in out


OVERVIEWS = [
    (
        "source: {files: [a/, b/*.gz]}\nsinks: {files: out/}",
        ["  source: files a/, b/*.gz, by time", "  sinks: files in out/"],
    ),
    (
        "source: {kafka: {brokers: 'a:1', topic: t, readers: 2}}\nsinks: {kafka: {}}",
        [
            "  source: topic t at a:1, group cartwheel-shop, readers 2",
            "  sinks: topics shop.* at a:1, delivery exact",
        ],
    ),
    (
        "sinks: {kafka: {brokers: 'a:1', delivery: fast, security: {protocol: SSL}}}",
        ["  sinks: topics shop.* at a:1 by SSL, delivery fast"],
    ),
]


@pytest.mark.parametrize(("text", "lines"), OVERVIEWS)
def test_a_config_that_names_them_is_summed_up_with_its_source_and_sinks(
    run_check: RunCheck, text: str, lines: list[str]
) -> None:
    exit_code, out, err, path = run_check(f"name: shop\n{text}")
    assert (exit_code, err) == (0, "")
    end = ["  sessions: end 30m after the last event, collect nothing", "  triggers: none"]
    assert out.splitlines() == [f"{path}: fine", *lines, *end]


def test_a_password_shows_neither_in_a_good_nor_in_a_bad_result(run_check: RunCheck) -> None:
    login = "{protocol: SASL_SSL, mechanism: PLAIN, username: u, password: geheim}"
    text = f"name: shop\nsinks: {{kafka: {{brokers: 'a:1', security: {login}}}}}\n"
    for config in (text, f"{text}retention: soon", text.replace("PLAIN,", "PLAN,")):
        for options in ((), ("--json",)):
            _, out, err, _ = run_check(config, *options)
            assert out + err
            assert "geheim" not in out + err


def test_every_problem_goes_to_stderr_and_the_exit_code_is_2(run_check: RunCheck) -> None:
    exit_code, out, err, path = run_check(BAD)
    assert (exit_code, out) == (2, "")
    first, second = err.splitlines()
    assert first == f'{path}:2:1: sesion: unknown key; did you mean "session"?'
    assert second.startswith(f'{path}:3:12: retention: found "soon", expected a duration')


def test_a_missing_file_is_exit_code_2(run_check: RunCheck) -> None:
    exit_code, _, err, path = run_check(None)
    assert exit_code == 2
    assert err.startswith(f"{path}:1:1: cannot read the file")


def test_json_says_that_a_good_config_is_ok(run_check: RunCheck) -> None:
    exit_code, out, err, _ = run_check(GOOD, "--json")
    assert (exit_code, err) == (0, "")
    assert json.loads(out) == {"ok": True, "problems": [], "warnings": []}


def test_json_lists_every_problem(run_check: RunCheck) -> None:
    exit_code, out, err, path = run_check(BAD, "--json")
    assert (exit_code, err) == (2, "")
    result = json.loads(out)
    assert result["ok"] is False
    assert result["warnings"] == []
    assert [(found["line"], found["column"]) for found in result["problems"]] == [(2, 1), (3, 12)]
    assert result["problems"][0] == {
        "file": str(path),
        "line": 2,
        "column": 1,
        "message": 'sesion: unknown key; did you mean "session"?',
    }


RULES = """
name: shop
attributes: {file: crm.csv, customer: id, columns: {tier: text}}
features: {orders: {count: Order Completed}, views: {count: Product Viewd, over: 1h}}
segments:
  buyers: {when: orders>0, hold: 7d}
  keen: {enter: views > 5, leave: views < 2 or attribute.tier == 'none', for: 90s}
"""


def test_features_and_segments_are_summed_up_with_what_they_mean(run_check: RunCheck) -> None:
    exit_code, out, err, path = run_check(RULES)
    assert (exit_code, err) == (0, "")
    warning, fine, *lines = out.splitlines()
    assert warning.startswith(f'{path}:4:61: warning: features.views.count: found "Product Viewd"')
    assert fine == f"{path}: fine"
    assert lines == [
        "  sessions: end 30m after the last event, collect nothing",
        "  features: 2",
        "  attributes: tier, from crm.csv",
        "  segments: 2",
        "    buyers: when orders > 0, hold 7d",
        '    keen: enter when views > 5, leave when views < 2 or attribute.tier == "none", for 90s',
        "  triggers: none",
    ]


def test_models_are_summed_up_with_what_they_predict(run_check: RunCheck) -> None:
    exit_code, out, _, _ = run_check("""
name: shop
models:
  intent: {kind: logistic_regression, predicts: A, within: session, from: [trait.a]}
  churn: {kind: baseline, predicts: no A, within: 30d, at: [C, B], shadow: true}
  spend: {kind: baseline, predicts: {sum: properties.x, of: A}, within: 90m, at: [B]}
""")
    assert exit_code == 0
    assert out.splitlines()[2:-1] == [
        "  models: 3",
        "    intent: logistic_regression, predicts A within the session, at every event",
        "    churn: baseline, predicts no A within 30d, at B or C (a shadow)",
        "    spend: baseline, predicts the sum of properties.x of A within 90m, at B",
    ]


def test_json_lists_warnings_and_the_config_is_ok_all_the_same(run_check: RunCheck) -> None:
    exit_code, out, err, path = run_check(RULES, "--json")
    assert (exit_code, err) == (0, "")
    result = json.loads(out)
    assert (result["ok"], result["problems"]) == (True, [])
    [warning] = result["warnings"]
    assert (warning["file"], warning["line"], warning["column"]) == (str(path), 4, 61)
    assert "Product Viewed" in warning["message"]
