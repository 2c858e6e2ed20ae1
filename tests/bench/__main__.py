"""Every measurement, one after the other: tables on the terminal, JSON in ``.cache/bench``."""

import subprocess
import sys

BENCHES = (
    "bench_views_beacons",
    "bench_views_beside_goatcounter",
    "bench_views_projector",
    "bench_views_freshness",
    "bench_views_capacity",
    "bench_views_queries",
    "bench_views_live",
    "bench_feed",
    "bench_formats",
    "bench_ingest",
    "bench_poller",
    "bench_related_window",
    "bench_embedder",
    "bench_web",
)

if __name__ == "__main__":
    failed = []
    for name in BENCHES:
        command = [sys.executable, "-m", f"tests.bench.{name}", "--json", f".cache/bench/{name}.json"]
        if subprocess.run(command).returncode:
            failed.append(name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
