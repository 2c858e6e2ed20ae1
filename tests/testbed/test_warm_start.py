import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.testbed.waiting import until
from tests.testbed.warm_start import IS_POSSIBLE

_STARTS_ONE = """
import sys, time
from pathlib import Path
from tests.testbed import warm_start
process = warm_start.start([sys.executable, "-m", "http.server", "0"], log=Path(sys.argv[1]), environment={})
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not IS_POSSIBLE, reason="roles start cold here")
async def test_what_started_warm_ends_with_a_test_run_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _STARTS_ONE, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        started = psutil.Process(int(run.stdout.readline()))
        parents = started.parents()
        assert run.pid in {parent.pid for parent in parents}
        run.kill()
    await until(lambda: not started.is_running(), "what it started to be gone")
    await until(lambda: not parents[0].is_running(), "the process that forked it to be gone")
