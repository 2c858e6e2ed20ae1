"""Every measurement, one after the other: tables on the terminal, JSON in ``.cache/bench``.

``make bench ARGS="related_million"`` takes those that are named; the long ones run only so.
"""

import argparse
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
    "bench_feed_lists",
    "bench_formats",
    "bench_ingest",
    "bench_poller",
    "bench_related_window",
    "bench_embedder",
    "bench_web",
)

LONG = ("bench_related_million",)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    named = [name.removeprefix("bench_") for name in (*BENCHES, *LONG)]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(named))
    chosen = parser.parse_args().names
    if unknown := set(chosen) - set(named):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(named)}")
    failed = []
    for name in [f"bench_{name}" for name in chosen] or BENCHES:
        command = [sys.executable, "-m", f"tests.bench.{name}", "--json", f".cache/bench/{name}.json"]
        if subprocess.run(command).returncode:
            failed.append(name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
