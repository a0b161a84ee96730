import sys

import pytest
from benchmarks import load
from benchmarks.load import AB, WRK, Generator, Load, LoadError, parse_ab, parse_wrk

WRK_SAYS = """\
Running 3s test @ http://127.0.0.1:39105/users/1
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   700.12us  421.90us  11.20ms   95.07%
    Req/Sec    49.16k     6.89k   60.78k    50.00%
  Latency Distribution
     50%  595.00us
     75%  801.00us
     90%    1.02ms
     99%    1.34s
  146703 requests in 3.00s, 36.37MB read
Requests/sec:  48875.05
Transfer/sec:     12.12MB
"""

AB_SAYS = """\
Concurrency Level:      32
Time taken for tests:   1.000 seconds
Complete requests:      21034
Failed requests:        0
Keep-Alive requests:    21034
Requests per second:    21033.51 [#/sec] (mean)
Time per request:       1.521 [ms] (mean)

Percentage of the requests served within a certain time (ms)
  50%      1
  99%      4
 100%     12 (longest request)
"""


def test_what_wrk_says_is_read_with_its_units():
    outcome = parse_wrk(WRK_SAYS)

    assert outcome.requests == 146703
    assert outcome.requests_per_s == 48875.05
    assert outcome.latency_ms == pytest.approx({50: 0.595, 75: 0.801, 90: 1.02, 99: 1340})
    assert outcome.failed == 0


def test_refusals_and_broken_connections_that_wrk_saw_are_counted_together():
    troubled = WRK_SAYS.replace(
        "Requests/sec",
        "  Socket errors: connect 1, read 2, write 0, timeout 4\n"
        "  Non-2xx or 3xx responses: 100\nRequests/sec",
    )

    assert parse_wrk(troubled).failed == 107


def test_what_ab_says_is_read():
    outcome = parse_ab(AB_SAYS)

    assert outcome.requests == 21034
    assert outcome.requests_per_s == 21033.51
    assert outcome.latency_ms == {50: 1, 99: 4, 100: 12}
    assert outcome.failed == 0


def test_refusals_that_ab_saw_are_counted():
    refused = AB_SAYS.replace("Keep-Alive", "Non-2xx responses:      21029\nKeep-Alive")

    assert parse_ab(refused).failed == 21029


@pytest.mark.parametrize("parse", [parse_wrk, parse_ab])
def test_a_report_that_cannot_be_read_is_an_error_and_not_a_zero(parse):
    with pytest.raises(LoadError, match="nothing that can be read"):
        parse("unable to connect")


@pytest.mark.parametrize("generator", [WRK, AB])
def test_a_load_is_bounded_and_carries_its_headers(generator):
    headers = {"Authorization": "Bearer key"}
    arguments = generator.arguments(Load("http://127.0.0.1:1/x", 3, headers, connections=7))

    assert "Authorization: Bearer key" in arguments
    assert arguments[-1] == "http://127.0.0.1:1/x"
    assert {"-c7", "-d3s"} <= set(arguments) or {"7", "3"} <= set(arguments)


def test_ab_is_told_its_time_before_its_count_since_the_time_resets_the_count():
    arguments = AB.arguments(Load("http://127.0.0.1:1/", 3))

    assert arguments.index("-t") < arguments.index("-n")


def test_a_generator_that_fails_says_why():
    broken = Generator("sh", lambda _load: ["-c", "echo no such host >&2; exit 3"], parse_wrk)

    with pytest.raises(LoadError, match="sh failed: no such host"):
        broken.run(Load("http://127.0.0.1:1/", 1))


def test_a_generator_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(load, "GRACE_S", 0)
    hanging = Generator(
        sys.executable,
        lambda _load: ["-c", "import threading; threading.Event().wait()"],
        parse_wrk,
    )

    with pytest.raises(LoadError, match="did not end"):
        hanging.run(Load("http://127.0.0.1:1/", 1))


def test_without_a_generator_and_a_package_manager_the_error_says_how_to_get_one(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LoadError, match="apt-get install wrk"):
        load.find_or_fetch()


def test_wrk_comes_before_ab(monkeypatch, tmp_path):
    for name in ("ab", "wrk"):
        program = tmp_path / name
        program.touch()
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert load.find_or_fetch().path == str(tmp_path / "wrk")
