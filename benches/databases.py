#!/usr/bin/env python3
"""Measures chancery and other tools loading databases, one after another, and writes a table of docs/performance.md.

    benches/databases.py [--records N] [--runs N] [--write] [PROGRAM]

Data, tools and figures are as in benches/peers/run.py: the whole process, median of the runs, the highest for memory. The
PostgreSQL server is started locally from the installed programs with its default settings; its CPU time and memory are
not in the figures. Tools that are not installed are marked as absent.
"""

import argparse
import contextlib
import glob
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benches/peers"))
from run import find, fine, generate, measure, python

MARK = "<!-- figures: benches/databases.py --write -->"


class Server:
    """A server that lives as long as the benchmark; None where it cannot be had."""

    def __init__(self):
        folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True) + os.environ["PATH"].split(os.pathsep)
        self.bin = next(folder for folder in folders if os.path.exists(f"{folder}/initdb"))
        self.home = tempfile.mkdtemp(prefix="chancery-server-")
        if os.getuid() == 0:
            shutil.chown(self.home, "postgres")
        with socket.socket() as place:
            place.bind(("127.0.0.1", 0))
            self.port = place.getsockname()[1]
        self.run("initdb", "--encoding=UTF8", "--locale=C", "--username=bench", "--auth=trust", "-D", f"{self.home}/data")
        self.launch()

    def launch(self):
        options = f"-p {self.port} -k {self.home} -c listen_addresses=127.0.0.1"
        self.run("pg_ctl", "-w", "-l", f"{self.home}/log", "-o", options, "-D", f"{self.home}/data", "start")

    def run(self, program, *words):
        # The server refuses to run for root.
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        subprocess.run([*user, f"{self.bin}/{program}", *words], check=True, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def url(self, name):
        return f"postgres://bench@127.0.0.1:{self.port}/{name}"

    def fresh(self, name, template="template0"):
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench"]
        self.run("dropdb", *where, "--if-exists", name)
        self.run("createdb", *where, "-T", template, name)

    def stop(self):
        self.run("pg_ctl", "-m", "immediate", "-D", f"{self.home}/data", "stop")
        shutil.rmtree(self.home, ignore_errors=True)


def server():
    try:
        return Server()
    except (StopIteration, OSError, subprocess.CalledProcessError):
        return None


def change(folder):
    """The same records, one in a hundred of them with another name."""
    with open(f"{folder}/records.ndjson", encoding="utf-8") as old, open(f"{folder}/changed.ndjson", "w", encoding="utf-8") as new:
        for number, line in enumerate(old):
            if number % 100 == 50:
                record = json.loads(line)
                record["name"] = f"Renamed {number}"
                line = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
            new.write(line)


def work(program, folder, server):
    """Rows of the table: (work, tool, remark, command or None where the tool is absent, what is done before each run)."""
    first, changed = f"{folder}/records.ndjson", f"{folder}/changed.ndjson"
    load = lambda path, into, *flags: [program, "load", path, "--schema", f"{folder}/schema.json", "--key", "/id", "--on-invalid", "keep", "-q",
                                      "--no-progress", "--no-config", "--into", into, *flags]
    remove = lambda *names: [pathlib.Path(f"{folder}/{name}").unlink(missing_ok=True) for name in names]
    rows = []

    def own(task, path, into, before, remark, *flags):
        rows.append((task, "chancery", remark, load(path, into, *flags) if into else None, before))

    def copy():
        remove("work.db")
        shutil.copy(f"{folder}/loaded.db", f"{folder}/work.db")

    task, lite = "into SQLite", "sqlite:work.db"
    subprocess.run(load(first, "sqlite:loaded.db"), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    own(task, first, lite, lambda: remove("work.db"), "checked; 5 tables, keys, indexes")
    own(task + ", again", first, lite, copy, "nothing has changed")
    own(task + ", again", first, lite, copy, "--no-cache", "--no-cache")
    own(task + ", 1 % changed", changed, lite, copy, "")
    utils = find("sqlite-utils")
    insert = [utils, "insert", "peer.db", "records", first, "--nl", "--alter", "--pk", "id"] if utils else None
    rows.append((task, "sqlite-utils", "one table, nested parts as text", insert, lambda: remove("peer.db")))
    duck = python("duckdb", f"import duckdb; duckdb.connect('peer.duckdb').sql(\"set threads=2; create table records as select * from read_ndjson('{first}')\")")
    rows.append(("into its own file", "DuckDB", "one table, nested types; null, [] and numbers changed", duck, lambda: remove("peer.duckdb", "peer.duckdb.wal")))

    task, postgres = "into PostgreSQL", server and server.url("work")
    if server:
        server.fresh("loaded")
        subprocess.run(load(first, server.url("loaded")), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    of_loaded = lambda: server.fresh("work", "loaded")
    own(task, first, postgres, lambda: server.fresh("work"), "checked; 5 tables, keys, indexes")
    own(task + ", again", first, postgres, of_loaded, "nothing has changed")
    own(task + ", again", first, postgres, of_loaded, "--no-cache", "--no-cache")
    own(task + ", 1 % changed", changed, postgres, of_loaded, "")
    # Bytes that stand in no JSON, so that a line is one column.
    psql = find("psql")
    plain = f"\\copy records from '{first}' with (format csv, quote e'\\x01', delimiter e'\\x02')"
    copied = [psql, "-X", "-q", postgres, "-c", "create table records (record json)", "-c", plain] if psql and server else None
    rows.append((task, "psql, COPY", "one column of JSON, nothing checked", copied, lambda: server.fresh("work")))
    return rows


def waiting(program, folder, server):
    """How long the last of the client's time is spent on the server, as the client tells it."""
    server.fresh("work")
    command = [program, "load", f"{folder}/records.ndjson", "--schema", f"{folder}/schema.json", "--key", "/id", "--on-invalid", "keep", "--verbose", "--no-progress",
               "--no-config", "--max-diagnostics", "0", "--into", server.url("work")]
    told = subprocess.run(command, capture_output=True, text=True).stderr
    found = re.search(r"waited ([\d.]+) s of ([\d.]+) s for the server", told)
    return float(found[1]) / float(found[2]) if found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", nargs="?", default=str(ROOT / "target/dist/chancery"))
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    folder = generate(options.records)
    change(folder)
    size = os.path.getsize(f"{folder}/records.ndjson") / 1e6
    host = server()
    share = None
    table = [f"{options.records:,} records with their lists, {size:.0f} MB of NDJSON, 2 % with a fault; {os.cpu_count()} cores; median of {options.runs} runs. "
             "CPU and memory are those of the client.", "",
             "| work | tool | wall s | CPU s | records/s | peak MiB | remark |", "| --- | --- | ---: | ---: | ---: | ---: | --- |"]
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(shutil.rmtree, folder)
        if host:
            at_the_end.callback(host.stop)
        for task, tool, remark, command, before in work(program, folder, host):
            measured = measure(command, options.runs, folder, before, fine(task, tool)) if command else None
            cells = ["", "", "", ""]
            if measured:
                wall, cpu, memory = measured
                cells = [f"{wall:.2f}", f"{cpu:.2f}", f"{options.records / wall:,.0f}", f"{memory:.0f}"]
            table.append(f"| {task} | {tool} | {' | '.join(cells)} | {remark if measured else 'failed' if command else 'absent'} |")
            print(table[-1], file=sys.stderr)
        share = waiting(program, folder, host) if host else None
    if share is not None:
        table += ["", f"Of the first load into PostgreSQL, chancery spent {share:.0%} of the time waiting for the server."]
    text = "\n".join(table) + "\n"
    print(text)
    if options.write:
        page = ROOT / "docs/performance.md"
        parts = page.read_text(encoding="utf-8").split(MARK)
        page.write_text(f"{parts[0]}{MARK}\n{text}{MARK}{parts[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
