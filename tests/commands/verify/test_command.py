"""The command line: its refusals, confirmation, output and state, and its interruption."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.commands.verify.__main__ import _lock, run
from airflow_provider_exotel.commands.verify.probe import MOST_CALLS, Pace, Probe
from airflow_provider_exotel.commands.verify.state import State
from airflow_provider_exotel.commands.verify.table import CHECKS, READ_ONLY
from airflow_provider_exotel.commands.verify.walk import walk
from airflow_provider_exotel.emulator import Emulator, Fault

from .conftest import NUMBER, QUERY, Run, environment, probe_of, verify
from .front import Front

Command = Callable[..., Run]


def state_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.state")


def test_a_run_answers_every_check_and_leaves_nothing(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        run = verify(emulator, out)
        calls = [call for each in emulator.campaigns for call in each.calls]
        statuses = {each.status for each in emulator.campaigns}

    assert run.code == 0
    for check in CHECKS:
        assert f"] {check.id}: " in run.text
    assert statuses == {"deleted", "completed"}
    assert [call.number for call in calls] == [NUMBER]
    assert not state_of(out).exists()


def test_the_report_ends_with_the_questions_for_the_support(out: Path) -> None:
    with Emulator(seed=1, list_delay_seconds=10_000) as emulator:
        run = verify(emulator, out)

    report, questions = run.text.split("Questions for Exotel's support:")
    assert "| list-delay | how soon a new campaign is in the list | no answer: " in report
    assert "After which time is a new campaign certainly in the list?" in questions
    assert emulator.account_sid not in report.split("### Answers of a real account")[1]


def test_read_only_changes_nothing(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        run = verify(emulator, out, read_only=True)
        methods = {entry.method for entry in emulator.requests}

    assert (run.code, methods) == (0, {"GET"})
    assert all(f"] {check.id}: " in run.text for check in READ_ONLY)


def test_a_read_only_run_keeps_the_answers_of_an_earlier_run(out: Path) -> None:
    with Emulator(seed=1, at_end="paused") as emulator:
        first = verify(emulator, out).profile
        second = verify(emulator, out, read_only=True).profile

    assert (first.at_end, second.at_end) == ("paused", "paused")
    assert second.answers() == first.answers()


def test_a_run_that_ends_early_keeps_the_answers_of_an_earlier_run(out: Path) -> None:
    with Emulator(seed=1, at_end="paused", list_delay_seconds=5) as emulator:
        first = verify(emulator, out).profile
        probe = probe_of(emulator, out)
        probe.pace = interrupted_after(emulator, 0)
        code = run(probe, out, read_only=False, say=lambda line: None)
        second = Profile.of_text(out.read_text())

    assert code == 1
    assert second.answers() == first.answers()


def test_a_read_only_run_names_and_remembers_the_items_of_an_earlier_run(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        first = probe_of(emulator, out)
        item = first.create()
        first.reserve_calls(MOST_CALLS)
        before = len(emulator.requests)
        second = verify(emulator, out, read_only=True)
        methods = {entry.method for entry in emulator.requests[before:]}

    assert (second.code, methods) == (1, {"GET"})
    assert f"STILL THERE: campaign '{item.name}', id {item.id}" in second.text
    assert probe_of(emulator, out).state.calls == MOST_CALLS


@pytest.mark.parametrize(
    ("query", "arguments", "message"),
    [
        ("?exophone=0XXXXXX4890", (), "only_numbers: is required"),
        (QUERY.replace("500000", "500001"), (), "--number: must be one of the connection's only_numbers"),
        (QUERY.replace("exophone", "deployment"), (), "exophone: is required on the connection"),
        (QUERY, ("--number", "98765"), "--number: must be one phone number in E.164"),
        (QUERY, ("--number", f"{NUMBER},{NUMBER}"), "--number: must be one phone number in E.164"),
    ],
)
def test_a_connection_that_may_call_others_is_refused_before_anything_is_sent(
    command: Command, capsys: pytest.CaptureFixture[str], query: str, arguments: tuple[str, ...], message: str
) -> None:
    with Emulator(seed=1) as emulator:
        run = command(emulator, "--yes", *arguments, query=query)

    output = capsys.readouterr().err
    assert run.code == 2
    assert message in output
    assert NUMBER not in output
    assert emulator.requests == []


def test_a_folder_as_out_is_refused_before_anything_is_sent(
    command: Command, capsys: pytest.CaptureFixture[str], out: Path
) -> None:
    out.mkdir()
    with Emulator(seed=1) as emulator:
        run = command(emulator, "--yes")

    assert (run.code, emulator.requests) == (2, [])
    assert "--out: must be a file, not a folder" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("no\n", 2), ("", 2)])
def test_it_announces_the_run_and_waits_for_yes(
    command: Command, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    with Emulator(seed=1) as emulator:
        run = command(emulator)

    assert run.code == code
    assert f"at most {MOST_CALLS} times" in run.text
    assert bool(emulator.requests) == (code == 0)


def interrupted_after(emulator: Emulator, paused_seconds: float) -> Pace:
    """Time in which only the first pause that ends after a given time is interrupted."""
    end, done = emulator.clock.time() + paused_seconds, False

    def sleep(seconds: float) -> None:
        nonlocal done
        in_front = threading.current_thread() is threading.main_thread()
        if in_front and not done and emulator.clock.time() + seconds > end:
            done = True
            raise KeyboardInterrupt
        emulator.clock.advance(seconds)

    return Pace(emulator.clock.now, emulator.clock.time, sleep)


# During the waits for the list, for the start of a campaign, and for the end of its window.
@pytest.mark.parametrize("paused_seconds", [0, 4, 40, 100])
def test_an_interrupted_run_removes_its_items_and_a_second_run_continues(out: Path, paused_seconds: int) -> None:
    with Emulator(seed=1, list_delay_seconds=5) as emulator:
        probe = probe_of(emulator, out)
        probe.pace = interrupted_after(emulator, paused_seconds)
        lines: list[str] = []
        code = run(probe, out, read_only=False, say=lines.append)
        statuses = {each.status for each in emulator.campaigns}
        second = verify(emulator, out)
        calls = [call for each in emulator.campaigns for call in each.calls]

    assert code == 1
    assert "The run ended early: it was interrupted. Run it again to continue." in lines
    assert not statuses & {"created", "in-progress", "paused"}
    assert second.code == 0
    assert "checks were answered by an earlier run and are not run again." in second.text
    assert "[ 1/" not in second.text
    assert len(calls) <= MOST_CALLS


def test_all_runs_together_make_at_most_three_calls(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        probe = probe_of(emulator, out)
        probe.state.calls = MOST_CALLS
        probe.state.save()
        run = verify(emulator, out)
        calls = [call for each in emulator.campaigns for call in each.calls]

    assert calls == []
    assert "end-of-window: no answer: the 3 allowed calls are used up" in run.text


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_campaign_that_dials_when_it_is_resumed_counts_as_one_of_the_three_calls(
    command: Command, dialect: str
) -> None:
    # At this rate there are seconds between two requests, enough for the phone to ring.
    query = QUERY.replace("=6000", "=10")
    with Emulator(seed=1, dialect=dialect, resume_before_start="dials", omit_zero_counts=True) as emulator:
        run = command(emulator, "--yes", query=query)
        calls = [call for each in emulator.campaigns for call in each.calls]
        statuses = {each.status for each in emulator.campaigns}

    assert run.code == 0
    assert 0 < len(calls) <= MOST_CALLS
    assert statuses <= {"deleted", "completed"}
    assert "paused-edit: no answer: the 3 allowed calls are used up" in run.text


def verify_through(front: Front, emulator: Emulator, out: Path) -> Run:
    probe = probe_of(emulator, out)
    probe = Probe(replace(probe.settings, host=front.host), NUMBER, probe.state, front.pace)
    lines: list[str] = []
    code = run(probe, out, read_only=False, say=lines.append)
    return Run(code, "\n".join(lines), out)


def test_changes_that_take_effect_seconds_after_their_answer_are_waited_for(out: Path) -> None:
    with Emulator(seed=1) as emulator, Front(emulator, seconds=5) as front:
        ended = verify_through(front, emulator, out)
        calls = [call for each in emulator.campaigns for call in each.calls]
        statuses = {each.status for each in emulator.campaigns}
    known = ended.known

    assert ended.code == 0
    assert (known["edits"], known["deleted_get"]) == ("merge", "404")
    # Both are refused while it is paused, after an answer that says they are made.
    assert not known.keys() & {"deletes", "schedule_editable_when_paused"}
    assert len(calls) <= MOST_CALLS
    assert statuses <= {"deleted", "completed"}


@pytest.mark.parametrize(
    ("rename", "answer"),
    [
        (lambda name: name[:16], "a name is cut after 16 characters"),
        (lambda name: name.replace("-", ""), "a name is changed"),
    ],
    ids=["cut", "without hyphens"],
)
def test_a_campaign_whose_name_is_changed_is_removed(out: Path, rename: Callable[[str], str], answer: str) -> None:
    with Emulator(seed=1) as emulator, Front(emulator, rename=rename) as front:
        ended = verify_through(front, emulator, out)
        statuses = {each.status for each in emulator.campaigns}

    assert ended.code == 0
    assert statuses == {"deleted", "completed"}
    assert f"name-length: {answer}" in ended.text


def test_a_status_in_capitals_is_neither_of_the_documented_spellings(out: Path) -> None:
    with Emulator(seed=1, status_words={"created": "CREATED"}) as emulator:
        run = verify(emulator, out)

    assert "status-words: no answer" in run.text
    assert "status_style" not in run.known


def test_campaigns_whose_ids_are_numbers_are_found_in_the_list(out: Path) -> None:
    with Emulator(seed=1) as emulator, Front(emulator, numeric_ids=True) as front:
        known = verify_through(front, emulator, out).known

    assert known["list_delay_seconds"] == 0


def test_a_campaign_that_got_another_name_is_named_by_the_id_of_its_answer(out: Path) -> None:
    with Emulator(seed=1) as emulator, Front(emulator, rename=lambda _: "Campaign of today") as front:
        ended = verify_through(front, emulator, out)
        left = [each for each in emulator.campaigns if each.status not in {"deleted", "completed"}]

    assert ended.code == 1
    assert left
    assert all(f", id {each.id}" in ended.text for each in left)


@pytest.mark.parametrize("lost", [1, 2])
def test_the_form_of_body_is_asked_again_if_its_answers_were_lost(out: Path, lost: int) -> None:
    with Emulator(seed=1) as emulator:
        emulator.faults.add(Fault(on="POST campaigns", kind="drop_after_commit", times=lost))
        run = verify(emulator, out)

    assert run.code == 0
    assert run.known["request_body"] == "both"
    assert run.known["call_items"]


def test_a_campaign_that_can_be_read_only_seconds_after_it_was_created_is_waited_for(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        # The first read is of a campaign that does not exist.
        emulator.faults.add(Fault(on="GET campaigns/*", kind="status", status=404, after=1, times=3))
        run = verify(emulator, out)

    assert "does not lead to a campaign of that name" not in run.text
    # It was not looked for in the list before.
    assert "list-delay: within 6 s" in run.text


def test_the_form_of_calls_is_read_from_the_answer_that_has_them(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        # The first read is of the campaign that has not dialled, the second of the window's end.
        emulator.faults.add(Fault(on="GET campaigns/*/call-details", kind="html_5xx", after=2, status=503))
        run = verify(emulator, out)

    assert "call_items" in run.known


def test_a_change_whose_answer_is_lost_tells_nothing_about_its_refusal(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        emulator.faults.add(Fault(on="PUT campaigns/*", kind="drop_before_commit"))
        run = verify(emulator, out)

    assert "wrong-state: no answer: the answer was lost" in run.text


def test_a_run_that_was_killed_is_cleaned_up_by_the_next(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        first = probe_of(emulator, out)
        first.create()
        second = verify(emulator, out)
        statuses = {each.status for each in emulator.campaigns}

    assert "Removing 1 items left by an earlier run ..." in second.text
    assert statuses == {"deleted", "completed"}


def test_items_that_cannot_be_removed_are_named(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        emulator.faults.add(
            Fault(on="DELETE campaigns/*", kind="not_done", times=None), Fault(on="PUT *", kind="not_done", times=None)
        )
        emulator.faults.add(Fault(on="PUT campaigns/*", kind="not_done", times=None))
        run = verify(emulator, out)
        second = verify(emulator, out)
        left = [each for each in emulator.campaigns if each.status == "created"]

    assert run.code == 1
    assert left
    assert all(f"STILL THERE: campaign '{each.name}', id {each.id}" in run.text for each in left)
    assert state_of(out).exists()
    assert second.code == 1
    assert second.text.count("checking again in 120 s") == run.text.count("checking again in 120 s")
    # They call tomorrow, so nothing else may.
    assert len(left) <= MOST_CALLS
    assert not any(each.calls for each in emulator.campaigns)


def test_the_state_of_another_account_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    State(path, "one").save()

    with pytest.raises(ExotelInputError, match="of another account"):
        State.read(path, "another")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"account": "one", "token": "x", "made": [], "found": {}}'])
def test_a_state_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state"
    path.write_text(text)

    with pytest.raises(ExotelInputError, match="is not a state of this program"):
        State.read(path, "one")


@pytest.mark.parametrize("changed", [{"key": ""}, {"key": "reminder"}])
def test_a_state_with_keys_that_other_names_may_contain_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    path = tmp_path / "state"
    state = State(path, "one")
    state.add("campaign", 0.0)
    state.save()
    given = json.loads(path.read_text())
    given["made"][0] |= changed
    path.write_text(json.dumps(given))

    with pytest.raises(ExotelInputError, match="is not a state of this program"):
        State.read(path, "one")


def test_a_state_with_a_negative_count_allows_at_most_three_calls(tmp_path: Path) -> None:
    path = tmp_path / "state"
    State(path, "one", calls=-5).save()

    assert State.read(path, "one").calls == 0


def test_items_are_removed_even_if_the_state_cannot_be_written(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        probe = probe_of(emulator, out)

        def lose_the_folder(line: str) -> None:
            if "] list-delay: " in line:
                probe.state.path = out / "no-folder" / "state"

        result = walk(probe, lose_the_folder)
        statuses = {each.status for each in emulator.campaigns}

    assert (result.ended, result.left, statuses) == ("it failed (FileNotFoundError)", [], {"deleted"})


class ListOfAnotherForm(BaseHTTPRequestHandler):
    """An account whose list has its figures in an undocumented form."""

    def do_GET(self) -> None:
        body = b'{"response": [{"id": "one", "name": "Reminder", "status": "Created"}], "metadata": ["total"]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_an_unreadable_answer_leaves_its_check_unanswered_and_the_run_continues(out: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), ListOfAnotherForm)
    threading.Thread(target=server.serve_forever).start()
    try:
        with Emulator(seed=1) as emulator:
            probe = probe_of(emulator, out)
            probe.settings = replace(probe.settings, host=f"http://127.0.0.1:{server.server_port}")
            probe.client = probe.another_client()
            result = walk(probe, lambda line: None, read_only=True)
    finally:
        server.shutdown()
        server.server_close()

    assert result.unanswered["page-size"].startswith("no usable answer (")
    assert "order" in result.unanswered


def test_a_second_run_beside_the_first_is_refused(
    command: Command, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Emulator(seed=1) as emulator:
        first = _lock(out.parent)
        try:
            second = command(emulator, "--yes")
        finally:
            os.close(first)

    assert (second.code, emulator.requests) == (2, [])
    assert "--out: must not be in the folder of another run" in capsys.readouterr().err


def test_items_are_removed_even_if_the_output_is_closed(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        command = [sys.executable, "-m", "airflow_provider_exotel.commands.verify"]
        command += ["--yes", "--connection", "exotel_check", "--number", NUMBER, "--out", str(out)]
        given = {**os.environ, **environment(emulator), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            watch = threading.Timer(600, process.kill)  # the cleanup polls for a create in flight
            watch.start()
            assert process.stdout is not None
            assert process.stderr is not None
            while "] csv: " not in process.stdout.readline():  # what follows only reads
                pass
            process.stdout.close()
            process.send_signal(signal.SIGTERM)  # a background shell makes its programs ignore SIGINT
            output = process.stderr.read()
            watch.cancel()
        left = [each.name for each in emulator.campaigns if each.status in {"created", "in-progress", "paused"}]

    assert (process.returncode, left) == (1, [])
    assert "it was interrupted" in output


def test_the_program_loads_no_airflow_and_removes_its_items_after_sigterm(out: Path) -> None:
    with Emulator(seed=1) as emulator:
        program = (
            "import runpy, sys\n"
            f"sys.argv = ['', '--yes', '--connection', 'exotel_check', '--number', '{NUMBER}', '--out', '{out}']\n"
            "try: runpy.run_module('airflow_provider_exotel.commands.verify', run_name='__main__', alter_sys=True)\n"
            "except SystemExit as end: print('ENDED', end.code, 'airflow' in sys.modules)"
        )
        given = {**environment(emulator), "PATH": "", "AIRFLOW_HOME": "/nowhere", "PYTHONUNBUFFERED": "1"}
        given |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        command = [sys.executable, "-c", program]
        lines: list[str] = []
        with subprocess.Popen(
            command, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            watch = threading.Timer(600, process.kill)
            watch.start()
            for line in process.stdout or ():
                lines.append(line)
                if "] csv: " in line:  # what follows only reads
                    process.send_signal(signal.SIGTERM)
            watch.cancel()
        left = [each.name for each in emulator.campaigns if each.status in {"created", "in-progress", "paused"}]

    assert lines[-1] == "ENDED 1 False\n"
    assert left == []
    assert "it was interrupted" in "".join(lines)
    assert json.loads(out.read_text())["version"] == 1
    assert NUMBER[1:] not in "".join(lines) + out.read_text() + state_of(out).read_text()
