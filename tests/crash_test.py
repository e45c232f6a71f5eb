#!/usr/bin/env python3
"""Kills loads, and servers, at random moments, and looks each time whether the database is as before or complete.

    tests/kill.py [--times N] [--records N] [--seed N] [--only WORD] [PROGRAM]

Each time the same few steps: records are in the database (or there is none yet), a load of other records is begun, something is
killed, and the database is looked at: its own check of itself, an export that has to be what was there before or all that
was loaded, and a load that completes it. What is killed: the program with SQLite, where there is a file and where there is none;
the program with PostgreSQL; the server, by its own immediate stop and by killing the process that has started the others.
"""

import argparse
import glob
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benches"))
from databases import server

SCHEMA = {
    "type": "object", "x-key": "/id", "x-record-name": "things",
    "properties": {
        "id": {"type": "string"}, "text": {"type": "string"},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "string"}}}},
    },
}


def records(count, first, word):
    return "".join(
        json.dumps({"id": f"k{number}", "text": f"{word} {number} " * 20, "rows": [{"x": at, "y": word} for at in range(number % 4)]}, separators=(",", ":")) + "\n"
        for number in range(first, first + count))


class Case:
    def __init__(self, program, folder, host):
        self.program, self.folder, self.host = program, folder, host

    def command(self, name):
        return [self.program, "load", f"{name}.ndjson", "--schema", "schema.json", "--no-config", "--no-cache", "-q", "--into", self.dsn]

    def load(self, name):
        subprocess.run(self.command(name), cwd=self.folder, check=True)

    def export(self):
        ran = subprocess.run([self.program, "export", self.dsn, "--to", "ndjson", "--no-config", "-q"], cwd=self.folder, capture_output=True)
        return sorted(ran.stdout.splitlines()) if ran.returncode == 0 else None

    def look(self):
        pass

    def revive(self):
        pass

    def strike(self, process):
        process.send_signal(signal.SIGKILL)


class File(Case):
    dsn, there = "sqlite:things.db", True

    def clear(self):
        for name in glob.glob(f"{self.folder}/things.db*"):
            os.remove(name)

    def begin(self):
        self.clear()
        if self.there:
            shutil.copy(f"{self.folder}/before.db", f"{self.folder}/things.db")

    def keep(self):
        self.clear()
        if self.there:
            self.load("before")
            shutil.move(f"{self.folder}/things.db", f"{self.folder}/before.db")

    def look(self):
        if os.path.exists(f"{self.folder}/things.db"):
            with sqlite3.connect(f"{self.folder}/things.db") as base:
                assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert base.execute("PRAGMA foreign_key_check").fetchall() == []
            base.close()

    def tidy(self):
        assert not glob.glob(f"{self.folder}/.chancery-*"), "a file in the making is left"


class NoFile(File):
    there = False


class Base(Case):
    there = True

    @property
    def dsn(self):
        return self.host.url("work")

    def keep(self):
        self.host.fresh("work")
        self.load("before")
        self.host.fresh("before", "work")

    def begin(self):
        self.host.fresh("work", "before")

    def tidy(self):
        pass


class Stop(Base):
    def strike(self, process):
        self.host.run("pg_ctl", "-m", "immediate", "-D", f"{self.host.home}/data", "stop")

    def revive(self):
        while True:
            try:
                return self.host.launch()
            except subprocess.CalledProcessError:
                # The last processes of the server that was killed are still on their way out.
                continue


class Postmaster(Stop):
    def strike(self, process):
        os.kill(int(pathlib.Path(f"{self.host.home}/data/postmaster.pid").read_text().split("\n")[0]), signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", nargs="?", default=str(ROOT / "target/release/chancery"))
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="the cases whose names hold this")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    folder, host = tempfile.mkdtemp(prefix="chancery-kill-"), server()
    place = pathlib.Path(folder)
    (place / "schema.json").write_text(json.dumps(SCHEMA))
    texts = {"before": records(options.records, 0, "old"), "after": records(options.records, options.records // 2, "new")}
    for name, text in texts.items():
        (place / f"{name}.ndjson").write_text(text)
    before = sorted(texts["before"].encode().splitlines())
    kept = records(options.records // 2, 0, "old")
    cases = [("program, new file of SQLite", NoFile), ("program, file of SQLite", File)]
    cases += [("program, PostgreSQL", Base), ("server, immediate stop", Stop), ("server, kill -9 of the first process", Postmaster)] if host else []
    if not host:
        print("SKIPPED: no server of PostgreSQL is installed")
    try:
        for name, kind in ((name, kind) for name, kind in cases if options.only in name):
            case = kind(os.path.abspath(options.program), folder, host)
            complete = sorted(((kept if case.there else "") + texts["after"]).encode().splitlines())
            case.keep()
            case.begin()
            assert case.export() == (before if case.there else None)
            start = time.monotonic()
            case.load("after")
            whole = time.monotonic() - start
            assert case.export() == complete
            ends = {"as before": 0, "complete": 0}
            for number in range(options.times):
                case.begin()
                process = subprocess.Popen(case.command("after"), cwd=folder, stderr=subprocess.DEVNULL)
                time.sleep(chance.uniform(0, whole * 1.05))
                case.strike(process)
                process.wait()
                case.revive()
                case.look()
                found = case.export()
                expected = before if case.there else None
                assert found in (expected, complete), f"{name}, number {number}: {len(found or [])} records"
                ends["complete" if found == complete else "as before"] += 1
                case.load("after")
                assert case.export() == complete, f"{name}, number {number}: not complete"
                case.look()
                case.tidy()
            print(f"{name}: {options.times} times, {ends['as before']} as before, {ends['complete']} complete, none broken", flush=True)
    finally:
        shutil.rmtree(folder)
        if host:
            host.stop()


main()
