"""The pytest plugin: a voice bot under test is called by a simulated platform, and judged.

A suite that asks for no fixture of it pays for this module alone, which loads nothing else. A test
that fails shows the verdict of its calls, and keeps capture, report, the callee's sound and all
figures in its own directory.

Fixtures:
    voipbin_call: opens a call for the bot under test; its arguments are those of `CallHost.call`,
        what it returns is a `BotCall`.
    voipbin_simulator: the `CallHost` of the session, of which xdist's workers have one each.

Mark:
    voipbin(scenario, dialect, encapsulation, script, ...): what the calls of a test, a class or a
        module are, unless voipbin_call says otherwise.

Options:
    --voipbin-report DIR: keep the same of every call, in DIR/TEST/call-N.
    --voipbin-baseline FILE: compare each call with that of the last run in which its test passed,
        which FILE holds; what is worse beyond its uncertainty fails the test.
    voipbin_unreliable: in pytest's settings: what becomes of a test during which this machine was
        too busy to measure: note (say so where it fails), skip or fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from voipbin_cli.public.call_result import CallResult
    from voipbin_cli.public.called_bot import BotCall, CallHost

_MARK = (
    "voipbin(scenario, dialect, encapsulation, script, **options): what the calls of this test "
    "are, unless voipbin_call says otherwise"
)
_UNRELIABLE = "voipbin_unreliable"
_WAYS = ("note", "skip", "fail")
_IN_NAMES = re.compile(r"[^\w.-]+")

_calls_key: pytest.StashKey[list[BotCall]] = pytest.StashKey()
_baseline_key: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
_PROPERTY = "voipbin"  # of a report, which xdist brings from a worker to where the file is written


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--voipbin-report` and the ini option."""
    group = parser.getgroup("voipbin", "voice bots, called by a simulated VoIPBIN")
    group.addoption(
        "--voipbin-report",
        metavar="DIR",
        help="keep capture, report, sound and figures of every call in DIR/TEST/",
    )
    group.addoption(
        "--voipbin-baseline",
        metavar="FILE",
        help="fail what is worse, beyond its uncertainty, than in the last run that passed; FILE "
        "holds it, and is made where there is none",
    )
    parser.addini(
        _UNRELIABLE,
        "what becomes of a test during which this machine was too busy to measure: "
        "note (say so), skip or fail",
        default="note",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, read the baseline, and refuse a way that there is not."""
    config.stash[_baseline_key] = _read_baseline(config)
    config.addinivalue_line("markers", _MARK)
    path = config.getoption("--voipbin-baseline")
    if path is not None and not hasattr(config, "workerinput"):
        writer = _BaselineWriter(Path(path), config.stash[_baseline_key])
        config.pluginmanager.register(writer, "voipbin-baseline")
    if config.getini(_UNRELIABLE) not in _WAYS:
        raise pytest.UsageError(f"{_UNRELIABLE} is one of {', '.join(_WAYS)}")


@pytest.fixture(scope="session")
def voipbin_simulator() -> Iterator[CallHost]:
    """The simulated platform of this session: `voipbin_simulator.call(script=…)` opens a call.

    One process, for each worker of xdist its own.
    """
    from voipbin_cli.public.called_bot import CallHost

    with CallHost() as host:
        yield host


@pytest.fixture
def voipbin_call(
    request: pytest.FixtureRequest, voipbin_simulator: CallHost, tmp_path: Path
) -> Callable[..., BotCall]:
    """Open calls for the bot under test: `call = voipbin_call(script=[Say(), WaitForEnd()])`.

    The arguments are those of `CallHost.call`; what they leave out the test's marks say. The bot
    connects to `call.url()`, or is told by `call.env`; then `call.wait()` or
    `await call.finished()` is what it came to.
    """
    calls = request.node.stash.setdefault(_calls_key, [])
    marked: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers("voipbin"))):
        marked |= mark.kwargs
    root = _report_directory(request.node) or tmp_path

    def opened(**asked: Any) -> BotCall:
        place = root / f"call-{len(calls) + 1}"
        call = voipbin_simulator.call(**{"directory": place, **marked, **asked})
        calls.append(call)
        return call

    return opened


def _report_directory(item: pytest.Item) -> Path | None:
    asked = item.config.getoption("--voipbin-report")
    return None if asked is None else Path(asked) / _IN_NAMES.sub("_", item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell what the calls of a test came to: where it failed, and where a report is wanted."""
    report = yield
    if call.when != "call" or not (calls := item.stash.get(_calls_key, [])):
        return report
    wants_all = item.config.getoption("--voipbin-report") is not None
    wants_baseline = item.config.getoption("--voipbin-baseline") is not None
    asks = wants_all or wants_baseline or item.config.getini(_UNRELIABLE) != "note"
    if report.failed or asks:
        results = [(number, each, _result(each)) for number, each in enumerate(calls, 1)]
        _judge_machine(item, report, [found for _, _, found in results if found is not None])
        if wants_baseline and report.passed:
            _compare(item, report, {number: found for number, _, found in results})
        for number, each, found in results:
            if found is not None and (report.failed or wants_all):
                found.keep(each.directory)
            report.sections.append((f"voipbin call {number}", _told(each, found)))
    return report


def _result(call: BotCall) -> CallResult | None:
    """What a call came to; None where no bot took part."""
    from voipbin_cli.errors import VoipbinError

    try:
        return call.result()
    except (VoipbinError, OSError):
        return None


def _told(call: BotCall, found: CallResult | None) -> str:
    if found is None:
        return f"no bot took part in call {call.id}"
    return "\n".join([*found.verdict_lines(), f"kept in {call.directory}"])


def _judge_machine(item: pytest.Item, report: pytest.TestReport, results: list[CallResult]) -> None:
    """Skip or fail a test whose figures are this machine's, where that is wanted."""
    way = item.config.getini(_UNRELIABLE)
    if way == "note" or all(found.is_reliable for found in results):
        return
    why = "this machine was too busy to measure: frames of the caller went out late"
    if way == "fail" and report.passed:
        report.outcome, report.longrepr = "failed", why
    elif way == "skip" and not report.skipped:
        path, line = item.reportinfo()[:2]
        report.outcome, report.longrepr = "skipped", (str(path), line or 0, f"Skipped: {why}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Hang up what still goes on."""
    yield
    for call in item.stash.get(_calls_key, []):
        if not call.is_closed:
            call.close()


def _compare(
    item: pytest.Item, report: pytest.TestReport, results: Mapping[int, CallResult | None]
) -> None:
    """Fail a test of which a call is worse than before; else its calls are the next baseline."""
    from voipbin_cli.public.comparing import compare

    before, after, worse = item.config.stash[_baseline_key], {}, []
    for number, found in results.items():
        if found is None or not found.is_reliable:
            continue
        name = f"{item.nodeid} call {number}"
        after[name] = found.diagnosis.to_dict()
        if name in before:
            compared = compare(before[name], after[name], name="the baseline")
            worse += [f"call {number} {compared}"] if compared.is_worse else []
    if worse:
        report.outcome, report.longrepr = "failed", "\n".join(worse)
    else:
        report.user_properties.append((_PROPERTY, after))


def _read_baseline(config: pytest.Config) -> dict[str, Any]:
    path = config.getoption("--voipbin-baseline")
    if path is None or not Path(path).exists():
        return {}
    try:
        held: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"{path} is no baseline: {error}") from None
    return held


class _BaselineWriter:
    """Gathers what passed, and writes it at the end; where xdist has workers, beside them."""

    def __init__(self, path: Path, held: dict[str, Any]) -> None:
        self._path = path
        self._held = dict(held)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the calls of a test that passed."""
        if report.when == "call" and report.passed:
            for name, value in report.user_properties:
                self._held |= value if name == _PROPERTY and isinstance(value, dict) else {}

    def pytest_sessionfinish(self) -> None:
        """Write them beside those of tests that did not run."""
        text = json.dumps(self._held, indent=1, sort_keys=True)
        self._path.write_text(text + "\n", encoding="utf-8")
